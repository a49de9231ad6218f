// What the driver of a GPU says before ggml asks it: ggml ends the process where a driver fails halfway, and says
// little where it finds no device.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace rast::llama {

struct driver_device {
    std::string name;
    int capability = 0;         // of CUDA: 86 for 8.6
    bool is_processor = false;  // a CPU that imitates a GPU
    bool has_kernels = true;    // whether the backend holds code for it
};

struct driver_answer {
    // Where it came to an end: "library" (one does not open), "driver", "runtime" (a call failed), "devices" (there are
    // none), "kernels" (the backend holds no code for one of them), "time", "ggml" (it did not take the backend),
    // "other" (a library of the same kind is in use); empty: all was answered.
    std::string stage;
    std::string call;         // the function that failed, or the library that did not open
    int code = 0;             // what the function returned
    std::string said;         // in words of the loader, the driver or ggml
    int driver_version = 0;   // of CUDA: 12040 for 12.4; of Vulkan: 1003 for 1.3; 0: not said
    int runtime_version = 0;  // as CUDA's runtime says it
    std::vector<driver_device> devices;
};

// Code for cards in a CUDA backend.
struct cuda_kernel {
    int capability = 0;        // 86 for 8.6
    bool is_portable = false;  // the driver compiles it for newer cards
    bool is_exact = false;     // for this capability alone

    bool operator==(const cuda_kernel &) const = default;
};

// Whether code for a card is among them; so, too, where nothing is known of them.
bool runs_on(const std::vector<cuda_kernel> & kernels, int capability);

// Opens a CUDA backend's library and asks driver and runtime all that ggml will ask.
driver_answer ask_cuda(const std::string & library, const std::vector<cuda_kernel> & kernels);

// Asks Vulkan's loader what keeps a backend from finding a device.
driver_answer ask_vulkan(const std::string & library);

// The answer, or the stage "time" when there is none by then: the thread that asks is left behind, as nothing ends a
// call into a driver.
driver_answer answer_within(std::chrono::milliseconds patience, std::function<driver_answer()> ask);

}  // namespace rast::llama
