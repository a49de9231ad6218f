#include "offered_devices.h"

#include "../error.h"
#include "../llama/api.h"
#include "worker_memory.h"

namespace rast::rpc {

namespace {

const char * type_name(ggml_backend_dev_t device) {
    switch (ggml_backend_dev_type(device)) {
        case GGML_BACKEND_DEVICE_TYPE_CPU: return "cpu";
        case GGML_BACKEND_DEVICE_TYPE_GPU: return "gpu";
        case GGML_BACKEND_DEVICE_TYPE_IGPU: return "igpu";
        default: return "accel";
    }
}

}  // namespace

ggml_backend_dev_t device_named(const std::string & name) {
    ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
    if (device == nullptr) {
        std::string here;
        for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
            here += std::string(here.empty() ? "" : ", ") + ggml_backend_dev_name(ggml_backend_dev_get(i));
        }
        throw rast_error(
            "ERR_DEVICE_NOT_FOUND",
            "There is no device " + name + " to offer. Devices here: " + (here.empty() ? "none" : here) + ".",
            {{"device", name}});
    }
    return device;
}

std::vector<offered_device> offered_devices(const std::vector<std::string> & names) {
    std::vector<offered_device> out;
    for (const std::string & name : names) {
        ggml_backend_dev_t device = device_named(name);
        size_t free = 0;
        size_t total = 0;
        device_memory(device, &free, &total);
        out.push_back(
            {ggml_backend_dev_name(device), ggml_backend_dev_description(device), type_name(device), free, total});
    }
    return out;
}

std::vector<std::string> default_devices() {
    std::vector<std::string> gpus;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t device = ggml_backend_dev_get(i);
        const auto type = ggml_backend_dev_type(device);
        if (type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU) {
            gpus.emplace_back(ggml_backend_dev_name(device));
        }
    }
    return gpus.empty() ? std::vector<std::string>{"CPU"} : gpus;
}

}  // namespace rast::rpc
