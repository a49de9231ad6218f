#include "file_kind.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace rast {

namespace fs = std::filesystem;

fs::path native_path(const std::string & utf8) {
    return {std::u8string(utf8.begin(), utf8.end())};
}

bool is_device_name(const std::string & path) {
    const size_t slash = path.find_last_of("/\\");
    std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    const bool drive = slash == std::string::npos && name.size() > 1 && name[1] == ':';
    if (name.find(':', drive ? 2 : 0) != std::string::npos) {
        return true;
    }
    name = name.substr(drive ? 2 : 0);
    name = name.substr(0, name.find('.'));
    while (!name.empty() && name.back() == ' ') {
        name.pop_back();
    }
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
    constexpr std::array<const char *, 6> devices = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
    if (std::find(devices.begin(), devices.end(), name) != devices.end()) {
        return true;
    }
    const bool port = name.size() == 4 && (name.rfind("COM", 0) == 0 || name.rfind("LPT", 0) == 0);
    return port && name[3] >= '1' && name[3] <= '9';
}

file_facts look_at(const std::string & path) {
#ifdef _WIN32
    if (is_device_name(path)) {
        return {file_kind::other, 0, ""};
    }
#endif
    std::error_code error;
    const fs::file_status status = fs::status(native_path(path), error);
    switch (status.type()) {
        case fs::file_type::not_found: return {file_kind::missing, 0, ""};
        case fs::file_type::directory: return {file_kind::folder, 0, ""};
        case fs::file_type::regular: break;
        case fs::file_type::none:
        case fs::file_type::unknown: return {file_kind::unknown, 0, error.message()};
        default: return {file_kind::other, 0, ""};
    }
    const uint64_t bytes = fs::file_size(native_path(path), error);
    if (error) {
        return {file_kind::unknown, 0, error.message()};
    }
    return {file_kind::regular, bytes, ""};
}

}  // namespace rast
