// The devices that llama.cpp's open backends have.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace rast::llama {

struct device_facts {
    std::string name;
    std::string description;
    std::string type;
    std::string backend;
    size_t free = 0;
    size_t total = 0;
};

// In llama.cpp's order. The libraries must be open.
std::vector<device_facts> list_devices();

}  // namespace rast::llama
