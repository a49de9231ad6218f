// Paths, and what lies there, looked at without opening it: opening a pipe waits for its other end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace rast {

std::filesystem::path native_path(const std::string & utf8);

enum class file_kind { missing, regular, folder, other, unknown };

struct file_facts {
    file_kind kind = file_kind::missing;
    uint64_t bytes = 0;   // of a regular file
    std::string problem;  // why the kind is unknown
};

// Follows links. Never blocks on a pipe, a socket or a device; on Windows names of devices ("NUL", "COM1.txt") are
// `other`.
file_facts look_at(const std::string & path);

// Whether Windows takes the last part of a path for a device or for a stream within a file.
bool is_device_name(const std::string & path);

}  // namespace rast
