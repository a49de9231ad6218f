#include "scarce_memory.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local bool may_fail_here = false;
std::atomic<long> successes_left{0};
std::atomic<long> failures_left{0};

[[maybe_unused]] bool fails() {
    if (!may_fail_here || failures_left.load() <= 0) {
        return false;
    }
    if (successes_left.load() > 0) {
        --successes_left;
        return false;
    }
    --failures_left;
    return true;
}

}  // namespace

// CMakeLists.txt: not with sanitizers whose own cannot be replaced.
#ifndef RAST_OWN_NEW
#    define RAST_OWN_NEW 1
#endif

#if RAST_OWN_NEW

// Every form is here, those that do not throw and those for arrays too: a sanitizer's own would be paired with ours.
void * operator new(std::size_t size, const std::nothrow_t &) noexcept {
    return fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
}

void * operator new(std::size_t size) {
    void * const memory = operator new(size, std::nothrow);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

void * operator new[](std::size_t size, const std::nothrow_t & tag) noexcept {
    return operator new(size, tag);
}

void * operator new[](std::size_t size) {
    return operator new(size);
}

void operator delete(void * memory) noexcept {
    std::free(memory);
}

void operator delete(void * memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete(void * memory, const std::nothrow_t &) noexcept {
    std::free(memory);
}

void operator delete[](void * memory) noexcept {
    std::free(memory);
}

void operator delete[](void * memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete[](void * memory, const std::nothrow_t &) noexcept {
    std::free(memory);
}

#endif

namespace rast::test::scarce_memory {

void on_this_thread(bool may_fail) {
    may_fail_here = may_fail;
}

long fail_after(long successes, long failures) {
    const long before = failures_left.exchange(0);
    successes_left = successes;
    failures_left = failures;
    return before;
}

void take_and_give_back() {
    ::operator delete(::operator new(1));
}

plenty::plenty() : before_(may_fail_here) {
    may_fail_here = false;
}

plenty::~plenty() {
    may_fail_here = before_;
}

}  // namespace rast::test::scarce_memory
