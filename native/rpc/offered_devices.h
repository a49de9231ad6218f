// The devices that a worker offers.
#pragma once

#include <ggml-backend.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rast::rpc {

// Throws ERR_DEVICE_NOT_FOUND.
ggml_backend_dev_t device_named(const std::string & name);

struct offered_device {
    std::string name;
    std::string description;
    std::string type;
    uint64_t free = 0;
    uint64_t total = 0;
};

// With the memory that is left now. Throws ERR_DEVICE_NOT_FOUND.
std::vector<offered_device> offered_devices(const std::vector<std::string> & names);

// Those of this machine that a worker offers unasked: GPUs, or else the processor.
std::vector<std::string> default_devices();

}  // namespace rast::rpc
