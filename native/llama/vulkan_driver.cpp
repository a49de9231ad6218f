#include "driver_answer.h"
#include "shared_library.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace rast::llama {

namespace {

// Of vulkan_core.h, which building does not need.
struct vulkan_application {
    int type = 0;
    const void * next = nullptr;
    const char * name = "rast-llama";
    uint32_t version = 1;
    const char * engine = nullptr;
    uint32_t engine_version = 0;
    uint32_t api_version = (1U << 22) | (2U << 12);
};

struct vulkan_instance {
    int type = 1;
    const void * next = nullptr;
    uint32_t flags = 0;
    const vulkan_application * application = nullptr;
    uint32_t layer_count = 0;
    const char * const * layers = nullptr;
    uint32_t extension_count = 0;
    const char * const * extensions = nullptr;
};

// The first members of VkPhysicalDeviceProperties, and room for the others (824 bytes in all).
struct alignas(16) vulkan_device {
    uint32_t api_version;
    uint32_t driver_version;
    uint32_t vendor;
    uint32_t device;
    uint32_t type;
    std::array<char, 256> name;
    std::array<unsigned char, 4096> others;
};

constexpr uint32_t type_processor = 4;

// An instance that is destroyed; `get` is the loader's vkGetInstanceProcAddr.
class vulkan_session {
  public:
    vulkan_session(void * library, driver_answer & answer)
        : get_(reinterpret_cast<get_function>(find_symbol(library, "vkGetInstanceProcAddr"))), answer_(answer) {}

    vulkan_session(const vulkan_session &) = delete;
    vulkan_session & operator=(const vulkan_session &) = delete;

    ~vulkan_session() {
        if (instance_ != nullptr) {
            if (const auto destroy = function<void (*)(void *, const void *)>("vkDestroyInstance")) {
                destroy(instance_, nullptr);
            }
        }
    }

    void ask() {
        uint32_t version = 1U << 22;  // of loaders that cannot be asked
        if (const auto enumerate = function<int (*)(uint32_t *)>("vkEnumerateInstanceVersion")) {
            enumerate(&version);
        }
        answer_.driver_version = static_cast<int>(1000 * ((version >> 22) & 0x7f) + ((version >> 12) & 0x3ff));
        const vulkan_application application;
        vulkan_instance wanted;
        wanted.application = &application;
        const auto create = function<int (*)(const vulkan_instance *, const void *, void **)>("vkCreateInstance");
        if (create == nullptr || fails("vkCreateInstance", create(&wanted, nullptr, &instance_))) {
            return;
        }
        const auto devices_of = function<int (*)(void *, uint32_t *, void **)>("vkEnumeratePhysicalDevices");
        const auto describe = function<void (*)(void *, vulkan_device *)>("vkGetPhysicalDeviceProperties");
        uint32_t count = 0;
        if (devices_of == nullptr || fails("vkEnumeratePhysicalDevices", devices_of(instance_, &count, nullptr))) {
            return;
        }
        std::vector<void *> devices(count);
        if (count > 0 && fails("vkEnumeratePhysicalDevices", devices_of(instance_, &count, devices.data()))) {
            return;
        }
        for (uint32_t index = 0; index < count && describe != nullptr; ++index) {
            vulkan_device device{};
            describe(devices[index], &device);
            device.name.back() = '\0';
            answer_.devices.push_back({std::string(device.name.data()), 0, device.type == type_processor});
        }
        answer_.stage = "devices";
    }

  private:
    using get_function = void (*(*)(void *, const char *))();

    template <class Function>
    Function function(const char * name) const {
        return get_ != nullptr ? reinterpret_cast<Function>(get_(instance_, name)) : nullptr;
    }

    bool fails(const char * name, int code) {
        if (code < 0) {
            answer_.stage = "driver";
            answer_.call = name;
            answer_.code = code;
        }
        return code < 0;
    }

    get_function get_;
    void * instance_ = nullptr;
    driver_answer & answer_;
};

}  // namespace

driver_answer ask_vulkan(const std::string & library) {
    driver_answer answer;
    void * opened = try_open_library(library, answer.said);
    if (opened == nullptr) {
        answer.stage = "library";
        answer.call = library;
        return answer;
    }
#ifdef _WIN32
    opened = try_open_library("vulkan-1.dll", answer.said);
    if (opened == nullptr) {
        answer.stage = "library";
        answer.call = "vulkan-1.dll";
        return answer;
    }
#endif
    vulkan_session(opened, answer).ask();
    return answer;
}

}  // namespace rast::llama
