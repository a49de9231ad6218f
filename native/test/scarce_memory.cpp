#include "scarce_memory.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local bool may_fail_here = false;
std::atomic<long> successes_left{0};
std::atomic<long> failures_left{0};

bool fails() {
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

// Those for arrays come here too. Each form that gives back is here, as a sanitizer would pair its own with its own.
void * operator new(std::size_t size) {
    void * const memory = fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

void operator delete(void * memory) noexcept {
    std::free(memory);
}

void operator delete(void * memory, std::size_t) noexcept {
    std::free(memory);
}

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
