// The prebuilt addon is compiled for a baseline processor; loops over whole rows are compiled for newer ones as well
// and chosen once at load.
#pragma once

// Such a function is noexcept, and so does nothing that can throw: it neither makes room nor calls back. GCC (12 at
// least) takes no exception through one: it ends the process, whatever its callers catch.
#if !defined(__x86_64__) || !defined(__GLIBC__) || defined(RAST_NO_CLONES)
#    define RAST_HOT
#elif !defined(__clang__)
#    define RAST_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#elif __clang_major__ >= 22
#    define RAST_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#    define RAST_HOT
#endif
