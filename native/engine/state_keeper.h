// States of sequences in files: what the caches hold of a text, saved, and put back into a free slot.
//
// save() and load() may be called on any thread but the engine's, and wait for it: what touches contexts runs there,
// between steps; reading and writing files does not. After an error the caches are as they were, but for what an idle
// slot held.
#pragma once

#include "../files/state_file.h"
#include "batch_decoder.h"
#include "inbox.h"
#include "role_contexts.h"
#include "slot_caches.h"

#include <optional>
#include <string>
#include <vector>

namespace rast {

class state_keeper {
  public:
    // All must outlive it.
    state_keeper(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                 batch_decoder & decoder, inbox & inbox);

    // Writes what the caches hold of the tokens. @returns tokens of the state. Throws ERR_STATE_FILE, ERR_DISPOSED.
    uint32_t save(const std::string & path, const std::vector<llama_token> & tokens);

    // @returns the state's tokens. Throws ERR_STATE_FILE, ERR_QUEUE_FULL if every slot has a request, ERR_DISPOSED.
    std::vector<llama_token> load(const std::string & path);

  private:
    state_expectations expectations() const;
    void learn_layouts();
    std::optional<state_layout> learn_layout(size_t context, size_t slot);

    const engine_config & config_;
    const role_contexts & contexts_;
    slot_caches & caches_;
    batch_decoder & decoder_;
    inbox & inbox_;
    std::vector<std::optional<state_layout>> layouts_;  // by context, learned when a state is first loaded
};

}  // namespace rast
