// A thread with as deep a stack as its work may need: std::regex goes one level deeper with every character.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace rast {

// A thread with a stack of so many bytes, which gets none of the program's signals. The stack is reserved; memory is
// taken as it is used and given back at the end.
class deep_thread {
  public:
    // @param work must not throw
    // Throws ERR_INSUFFICIENT_MEMORY when there is no such stack or thread; nothing runs then.
    deep_thread(size_t stack_bytes, std::function<void()> work);
    ~deep_thread();  // waits for its end

    deep_thread(const deep_thread &) = delete;
    deep_thread & operator=(const deep_thread &) = delete;

  private:
    class system_thread;
    std::function<void()> work_;
    std::unique_ptr<system_thread> thread_;
};

// Runs the work on a thread of its own with a stack of so many bytes and waits for it. Rethrows what the work throws.
// Throws ERR_INSUFFICIENT_MEMORY when there is no such stack or thread.
void run_on_deep_stack(size_t bytes, const std::function<void()> & work);

}  // namespace rast
