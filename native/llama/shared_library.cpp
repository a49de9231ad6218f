#include "shared_library.h"

#include "../error.h"

#include <cstdlib>
#include <cstring>

#ifdef _WIN32
#    include <windows.h>
#else
#    include <dlfcn.h>
#endif

namespace rast::llama {

#ifdef _WIN32

namespace {

std::wstring wide(const std::string & text) {
    const int n = MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, nullptr, 0);
    std::wstring out(static_cast<size_t>(n > 0 ? n - 1 : 0), L'\0');
    if (n > 1) {
        MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, out.data(), n);
    }
    return out;
}

}  // namespace

void * try_open_library(const std::string & path, std::string & why) {
    // LOAD_WITH_ALTERED_SEARCH_PATH: its dependencies lie beside it. It is for whole paths alone.
    const DWORD flags = path.find_first_of("/\\") == std::string::npos ? 0 : LOAD_WITH_ALTERED_SEARCH_PATH;
    HMODULE handle = LoadLibraryExW(wide(path).c_str(), nullptr, flags);
    if (handle == nullptr) {
        why = "Windows error " + std::to_string(GetLastError());
    }
    return handle;
}

void * find_symbol(void * handle, const char * name) {
    return reinterpret_cast<void *>(GetProcAddress(static_cast<HMODULE>(handle), name));
}

void close_library(void * handle) {
    FreeLibrary(static_cast<HMODULE>(handle));
}

void keep_library_of(const void * inside) {
    HMODULE module = nullptr;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                       static_cast<LPCWSTR>(inside), &module);
}

#else

void * try_open_library(const std::string & path, std::string & why) {
    void * handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char * reason = dlerror();
        why = reason != nullptr ? reason : "no reason given";
    }
    return handle;
}

void * find_symbol(void * handle, const char * name) {
    // A preloaded library may count what is read from a device; RTLD_LOCAL handles would go past it.
    if (std::strcmp(name, "ggml_backend_tensor_get") == 0 && std::getenv("LD_PRELOAD") != nullptr) {
        if (void * preloaded = dlsym(RTLD_DEFAULT, name)) {
            return preloaded;
        }
    }
    return dlsym(handle, name);
}

void close_library(void * handle) {
    dlclose(handle);
}

void keep_library_of(const void * inside) {
    Dl_info library{};
    if (dladdr(inside, &library) != 0 && library.dli_fname != nullptr) {
        dlopen(library.dli_fname, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

#endif

void * open_library(const std::string & path) {
    std::string why;
    void * handle = try_open_library(path, why);
    if (handle == nullptr) {
        throw rast_error("ERR_LIBRARIES", "Could not open " + path + ": " + why, {{"path", path}});
    }
    return handle;
}

}  // namespace rast::llama
