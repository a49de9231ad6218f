// Whether a list of texts in a GGUF file, such as its tokens, is what another file says it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rast {

struct text_list_comparison {
    uint64_t size = 0;       // of the file's list
    uint64_t compared = 0;   // entries that stand in both
    uint64_t differing = 0;  // of those
    uint64_t beyond = 0;     // given entries behind the end of the file's list
    // Of the first that differs.
    int64_t first = -1;
    std::string own;
    std::string given;
};

// `entries`: one after the other a u32 index, a u32 length, and so many bytes. A key that the file does not have is an
// empty list. Throws ERR_INVALID_ARGUMENT for other entries, and as gguf_file does. Any thread.
text_list_comparison compare_text_list(const std::string & path, const std::string & key,
                                       const std::vector<uint8_t> & entries);

}  // namespace rast
