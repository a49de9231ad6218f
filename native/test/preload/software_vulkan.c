// Preloaded into tests that run on the software Vulkan device (Mesa's lavapipe). Two things a real driver does:
//
// 1. Buffers are never destroyed. Mesa 22.3 crashes, about every other time, when a buffer that was bound in an earlier
//    dispatch has been destroyed and its binding is replaced later; llama.cpp's Vulkan backend destroys buffers
//    whenever it grows one. Test processes are short, so they may leak instead.
// 2. The limit of a storage buffer is said to be 1 GiB instead of 128 MiB. llama.cpp asks whether the output layer's
//    product fits for 512 rows at once, and leaves the layer on the CPU if not; tests decode few rows.
//
// Not for anything but tests.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef void (*function)(void);

static void keep(void * device, uint64_t handle, const void * allocator) {
    (void)device;
    (void)handle;
    (void)allocator;
}

// VkPhysicalDeviceProperties: five u32, char[256], u8[16], then limits (aligned to 8), whose eighth u32 it is.
enum { max_storage_buffer_range = 296 + 7 * 4, properties_in_properties2 = 16, declared = 134217728 };

static void raise_limit(char * properties) {
    uint32_t limit;
    memcpy(&limit, properties + max_storage_buffer_range, sizeof limit);
    if (limit == declared) {
        limit = 1U << 30;
        memcpy(properties + max_storage_buffer_range, &limit, sizeof limit);
    }
}

static function get_properties, get_properties2;

static void properties_of(void * device, char * properties) {
    ((void (*)(void *, char *))get_properties)(device, properties);
    raise_limit(properties);
}

static void properties2_of(void * device, char * properties) {
    ((void (*)(void *, char *))get_properties2)(device, properties);
    raise_limit(properties + properties_in_properties2);
}

static int destroys(const char * name) {
    return strcmp(name, "vkDestroyBuffer") == 0 || strcmp(name, "vkFreeMemory") == 0;
}

static function (*get_device_function)(void *, const char *);

static function device_function(void * device, const char * name) {
    return destroys(name) ? (function)keep : get_device_function(device, name);
}

function vkGetInstanceProcAddr(void * instance, const char * name) {
    static function (*get)(void *, const char *) = NULL;
    if (get == NULL) {
        void * loader = dlopen("libvulkan.so.1", RTLD_NOW);
        *(void **)&get = loader ? dlsym(loader, "vkGetInstanceProcAddr") : NULL;
        if (get == NULL) {
            return NULL;
        }
    }
    function found = get(instance, name);
    if (found == NULL) {
        return NULL;
    }
    if (strcmp(name, "vkGetDeviceProcAddr") == 0) {
        get_device_function = (function(*)(void *, const char *))found;
        return (function)device_function;
    }
    if (strcmp(name, "vkGetPhysicalDeviceProperties") == 0) {
        get_properties = found;
        return (function)properties_of;
    }
    if (strncmp(name, "vkGetPhysicalDeviceProperties2", 30) == 0) {
        get_properties2 = found;
        return (function)properties2_of;
    }
    return destroys(name) ? (function)keep : found;
}
