// Reads what was drawn at a row, with the consent of the request's grammar: a refused token is drawn again, and a draw
// that the grammar needs more work for than a step may cost is left undecided, and goes on in the next step.
//
// Engine thread only. Rows are those of the latest decode of a context. Throws ERR_DECODE and what samplers throw; the
// request's undecided draw is then as it was.
#pragma once

#include "batch_decoder.h"
#include "participant.h"
#include "role_contexts.h"

#include <cstddef>
#include <memory>
#include <span>

namespace rast {

class row_reader {
  public:
    // Both must outlive it.
    row_reader(const role_contexts & contexts, const batch_decoder & decoder);

    // At the beginning of a step: shares its work among the requests with a grammar.
    static void allow_work(std::span<const std::unique_ptr<sequence>> running);

    // The token drawn at a row, whatever the grammar says.
    row_draw read(size_t context, sequence & seq, size_t row);

    // A draw that the grammar allows. Its token may be `row_undecided`: the request then has an undecided draw.
    row_draw read_allowed(size_t context, sequence & seq, size_t row);

    // Goes on with the request's undecided draw. @returns whether it is decided, and then `draw` has it: a token,
    // `row_over_limit` or what the row said when no token is allowed
    static bool decide(sequence & seq, row_draw & draw);

  private:
    const role_contexts & contexts_;
    const batch_decoder & decoder_;
};

}  // namespace rast
