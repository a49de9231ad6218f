// Runs files through a target, without a fuzzer: rast-fuzz-replay TARGET FILE...
#include "targets.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

int main(int argc, char ** argv) {
    const rast::fuzz::target * target = argc > 1 ? rast::fuzz::find_target(argv[1]) : nullptr;
    if (target == nullptr) {
        std::fprintf(stderr, "usage: rast-fuzz-replay TARGET FILE...\n");
        return 2;
    }
    if (target->needs_libraries) {
        rast::fuzz::open_libraries();
    }
    for (int i = 2; i < argc; ++i) {
        std::ifstream in(argv[i], std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        std::fprintf(stderr, "%s\n", argv[i]);  // the last one is what ended the process
        target->run(bytes);
    }
    std::printf("ok %s %d\n", target->name, argc - 2);
    return 0;
}
