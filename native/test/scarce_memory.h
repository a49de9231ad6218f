// Allocations of C++ that fail when a test says so, in this program and in the libraries that it opens.
#pragma once

namespace rast::test::scarce_memory {

// Allocations of the calling thread may fail from now on, or no longer.
void on_this_thread(bool may_fail);

// So many allocations succeed, then so many fail, over all threads that may. @returns failures that had not come yet
long fail_after(long successes, long failures);

// One allocation, which the compiler leaves in. Throws std::bad_alloc.
void take_and_give_back();

// What the calling thread does here never fails.
class plenty {
  public:
    plenty();
    ~plenty();
    plenty(const plenty &) = delete;
    plenty & operator=(const plenty &) = delete;

  private:
    bool before_;
};

}  // namespace rast::test::scarce_memory
