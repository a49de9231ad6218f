#include "driver_answer.h"
#include "shared_library.h"

#include <array>
#include <cstdint>
#include <cstring>

#ifdef _WIN32
#    include <windows.h>
#endif

namespace rast::llama {

namespace {

#ifdef _WIN32
constexpr const char * driver_library = "nvcuda.dll";
#else
constexpr const char * driver_library = "libcuda.so.1";
#endif

// Numbers of cuda.h and driver_types.h.
constexpr int attribute_major = 75;
constexpr int attribute_minor = 76;
constexpr int attribute_cooperative_launch = 95;
constexpr int attribute_virtual_memory = 102;

// CUmemAllocationProp
struct allocation_properties {
    int type = 1;  // pinned
    int handle_types = 0;
    int location_type = 1;  // a device
    int location_id = 0;
    void * windows_handle = nullptr;
    std::array<unsigned char, 8> flags{};
};

// Functions of one library, of which each returns 0 or a code, and the answer that the first failure ends.
class cuda_calls {
  public:
    cuda_calls(void * library, const char * stage, driver_answer & answer)
        : library_(library), stage_(stage), answer_(answer) {}

    template <class... Arguments>
    bool call(const char * name, Arguments... arguments) {
        const auto function = reinterpret_cast<int (*)(Arguments...)>(find_symbol(library_, name));
        if (function == nullptr) {
            return fails(name, 0, "there is no such function");
        }
        const int code = function(arguments...);
        return code == 0 || fails(name, code, text(code));
    }

    bool has(const char * name) const { return find_symbol(library_, name) != nullptr; }

  private:
    bool fails(const char * name, int code, const std::string & said) {
        answer_.stage = stage_;
        answer_.call = name;
        answer_.code = code;
        answer_.said = said;
        return false;
    }

    // Its name and its sentence.
    std::string text(int code) const {
        std::string out;
        if (std::strcmp(stage_, "driver") == 0) {
            for (const char * name : {"cuGetErrorName", "cuGetErrorString"}) {
                const auto text_of = reinterpret_cast<int (*)(int, const char **)>(find_symbol(library_, name));
                const char * text = nullptr;
                if (text_of != nullptr && text_of(code, &text) == 0 && text != nullptr) {
                    out += (out.empty() ? "" : ", ") + std::string(text);
                }
            }
            return out;
        }
        for (const char * name : {"cudaGetErrorName", "cudaGetErrorString"}) {
            const auto text_of = reinterpret_cast<const char * (*)(int)>(find_symbol(library_, name));
            const char * text = text_of != nullptr ? text_of(code) : nullptr;
            if (text != nullptr) {
                out += (out.empty() ? "" : ", ") + std::string(text);
            }
        }
        return out;
    }

    void * library_;
    const char * stage_;
    driver_answer & answer_;
};

bool ask_driver(void * library, driver_answer & answer) {
    cuda_calls driver(library, "driver", answer);
    int count = 0;
    if (!driver.call("cuDriverGetVersion", &answer.driver_version) || !driver.call("cuInit", 0U) ||
        !driver.call("cuDeviceGetCount", &count)) {
        return false;
    }
    for (int index = 0; index < count; ++index) {
        int device = 0;
        std::array<char, 256> name{};
        int major = 0;
        int minor = 0;
        int has_virtual_memory = 0;
        if (!driver.call("cuDeviceGet", &device, index) ||
            !driver.call("cuDeviceGetName", name.data(), static_cast<int>(name.size() - 1), device) ||
            !driver.call("cuDeviceGetAttribute", &major, attribute_major, device) ||
            !driver.call("cuDeviceGetAttribute", &minor, attribute_minor, device) ||
            !driver.call("cuDeviceGetAttribute", &has_virtual_memory, attribute_virtual_memory, device)) {
            return false;
        }
        answer.devices.push_back({std::string(name.data()), 10 * major + minor});
        allocation_properties properties;
        properties.location_id = index;
        size_t granularity = 0;
        const allocation_properties * wanted = &properties;
        if (has_virtual_memory != 0 && !driver.call("cuMemGetAllocationGranularity", &granularity, wanted, 1)) {
            return false;
        }
    }
    if (count == 0) {
        answer.stage = "devices";
    }
    return count > 0;
}

// CUDA's runtime, which the backend is linked to; null where it holds a runtime of its own.
void * runtime_of(void * backend) {
#ifdef _WIN32
    for (const char * name : {"cudart64_13.dll", "cudart64_12.dll", "cudart64_110.dll"}) {
        if (HMODULE found = GetModuleHandleA(name)) {
            return found;
        }
    }
    (void)backend;
    return nullptr;
#else
    return find_symbol(backend, "cudaGetDeviceCount") != nullptr ? backend : nullptr;
#endif
}

bool ask_runtime(void * library, driver_answer & answer) {
    cuda_calls runtime(library, "runtime", answer);
    if (runtime.has("cudaRuntimeGetVersion") && !runtime.call("cudaRuntimeGetVersion", &answer.runtime_version)) {
        return false;
    }
    int count = 0;
    if (!runtime.call("cudaGetDeviceCount", &count)) {
        return false;
    }
    // its size depends on the version: some 1000 bytes
    struct alignas(16) device_properties {
        std::array<unsigned char, 16384> bytes;
    };
    const char * properties_of =
        runtime.has("cudaGetDeviceProperties_v2") ? "cudaGetDeviceProperties_v2" : "cudaGetDeviceProperties";
    for (int device = 0; device < count; ++device) {
        device_properties properties{};
        int launches = 0;
        if (!runtime.call(properties_of, &properties, device) ||
            !runtime.call("cudaDeviceGetAttribute", &launches, attribute_cooperative_launch, device)) {
            return false;
        }
    }
    return true;
}

}  // namespace

driver_answer ask_cuda(const std::string & library, const std::vector<cuda_kernel> & kernels) {
    driver_answer answer;
    const auto open = [&answer](const std::string & name) {
        void * handle = try_open_library(name, answer.said);
        if (handle == nullptr) {
            answer.stage = "library";
            answer.call = name;
        }
        return handle;
    };
    void * backend = open(library);
    void * driver = backend != nullptr ? open(driver_library) : nullptr;
    if (driver == nullptr || !ask_driver(driver, answer)) {
        return answer;
    }
    if (void * runtime = runtime_of(backend); runtime != nullptr && !ask_runtime(runtime, answer)) {
        return answer;
    }
    for (driver_device & device : answer.devices) {
        device.has_kernels = runs_on(kernels, device.capability);
        if (!device.has_kernels) {
            answer.stage = "kernels";
        }
    }
    return answer;
}

}  // namespace rast::llama
