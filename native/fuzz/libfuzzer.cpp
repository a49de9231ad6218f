// The target that RAST_FUZZ_TARGET names, for libFuzzer.
#include "targets.h"

#include <cstdint>
#include <cstdlib>

namespace {

const rast::fuzz::target * chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***) {
    const char * name = std::getenv("RAST_FUZZ_TARGET");
    chosen = rast::fuzz::find_target(name != nullptr ? name : "");
    if (chosen == nullptr) {
        rast::fuzz::broken("RAST_FUZZ_TARGET names a target");
    }
    if (chosen->needs_libraries) {
        rast::fuzz::open_libraries();
    }
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t * data, size_t size) {
    chosen->run({reinterpret_cast<const char *>(data), size});
    return 0;
}
