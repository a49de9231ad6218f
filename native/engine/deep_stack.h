// A thread with as deep a stack as its work may need: std::regex goes one level deeper with every character.
#pragma once

#include <cstddef>
#include <functional>

namespace rast {

// Runs the work on a thread of its own with a stack of so many bytes and waits for it. The stack is reserved; memory is
// taken as it is used and given back at the end. Rethrows what the work throws. Throws ERR_INSUFFICIENT_MEMORY when
// there is no such stack or thread.
void run_on_deep_stack(size_t bytes, const std::function<void()> & work);

}  // namespace rast
