// The end of a connection to a worker. llama.cpp's client cannot go on without, so the process ends with a line that
// names the worker: engines with workers run in a process of their own, whose parent reads it (src/isolate/crash.ts).
#pragma once

#include <string>

namespace rast::rpc {

[[noreturn]] void lose_worker(const std::string & worker, const std::string & why);

// Whether a connection that this thread makes may fail with its error: nothing rests on it yet.
bool & connection_may_fail();

// Which worker this thread last spoke to as a client; empty for none.
std::string & spoken_to();

}  // namespace rast::rpc
