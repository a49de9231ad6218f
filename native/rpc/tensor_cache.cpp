#include "tensor_cache.h"

#include "../error.h"

#include <atomic>
#include <cstdio>
#include <fstream>
#include <random>
#include <system_error>

namespace rast::rpc {

namespace {

// Of no other process that writes to the same folder.
const std::string & own_mark() {
    static const std::string mark = [] {
        std::random_device source;
        char text[17];
        std::snprintf(text, sizeof text, "%08x%08x", static_cast<unsigned>(source()), static_cast<unsigned>(source()));
        return std::string(text);
    }();
    return mark;
}

}  // namespace

uint64_t tensor_hash(const uint8_t * data, size_t size) {
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < size; ++i) {
        hash ^= data[i];
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

tensor_cache::tensor_cache(const std::string & folder) : folder_(std::u8string(folder.begin(), folder.end())) {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) {
        throw rast_error("ERR_FILE_UNWRITABLE", "The cache folder " + folder + " cannot be made: " + error.message(),
                         {{"path", folder}});
    }
    // What a killed worker left unfinished.
    for (const auto & entry : std::filesystem::directory_iterator(folder_, error)) {
        const auto age = std::filesystem::file_time_type::clock::now() - entry.last_write_time(error);
        if (entry.path().extension() == ".unfinished" && !error && age > std::chrono::hours(1)) {
            std::filesystem::remove(entry.path(), error);
        }
    }
}

std::filesystem::path tensor_cache::path_of(uint64_t hash, size_t size) const {
    char name[64];
    std::snprintf(name, sizeof name, "%016llx-%zu.tensor", static_cast<unsigned long long>(hash), size);
    return folder_ / name;
}

bool tensor_cache::read(uint64_t hash, size_t size, std::vector<uint8_t> & out) const {
    const std::filesystem::path path = path_of(hash, size);
    std::error_code error;
    if (std::filesystem::file_size(path, error) != size || error) {
        return false;
    }
    const size_t before = out.size();
    out.resize(before + size);
    std::ifstream in(path, std::ios::binary);
    in.read(reinterpret_cast<char *>(out.data() + before), static_cast<std::streamsize>(size));
    if (!in || tensor_hash(out.data() + before, size) != hash) {
        out.resize(before);
        in.close();
        std::filesystem::remove(path, error);
        return false;
    }
    return true;
}

void tensor_cache::write(const uint8_t * data, size_t size) const {
    static std::atomic<uint64_t> last = 0;
    const std::filesystem::path unfinished = folder_ / (own_mark() + "-" + std::to_string(++last) + ".unfinished");
    std::error_code error;
    std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char *>(data), static_cast<std::streamsize>(size));
    out.close();
    if (out) {
        std::filesystem::rename(unfinished, path_of(tensor_hash(data, size), size), error);
    }
    if (!out || error) {
        std::filesystem::remove(unfinished, error);
    }
}

}  // namespace rast::rpc
