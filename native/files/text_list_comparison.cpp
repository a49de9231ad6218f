#include "text_list_comparison.h"

#include "../error.h"
#include "gguf_file.h"

#include <cstring>
#include <string_view>

namespace rast {

text_list_comparison compare_text_list(const std::string & path, const std::string & key,
                                       const std::vector<uint8_t> & entries) {
    const gguf_file file(path);
    const int64_t list = file.strings(key);
    text_list_comparison out;
    out.size = list < 0 ? 0 : gguf_get_arr_n(file.get(), list);
    for (size_t at = 0; at < entries.size();) {
        uint32_t index = 0;
        uint32_t length = 0;
        if (entries.size() - at < 8) {
            throw rast_error("ERR_INVALID_ARGUMENT", "Expected an index and a length");
        }
        std::memcpy(&index, &entries[at], 4);
        std::memcpy(&length, &entries[at + 4], 4);
        at += 8;
        if (entries.size() - at < length) {
            throw rast_error("ERR_INVALID_ARGUMENT", "Expected a text of " + std::to_string(length) + " bytes");
        }
        const std::string_view given(reinterpret_cast<const char *>(entries.data()) + at, length);
        at += length;
        if (index >= out.size) {
            ++out.beyond;
            continue;
        }
        ++out.compared;
        const std::string_view own = gguf_get_arr_str(file.get(), list, index);
        if (own == given) {
            continue;
        }
        if (out.differing++ == 0) {
            out.first = index;
            out.own = own;
            out.given = given;
        }
    }
    return out;
}

}  // namespace rast
