// Preloaded into tests on the software Vulkan device: buffers are never destroyed.
//
// Mesa 22.3's lavapipe crashes, about every other time, when a buffer that was bound in an earlier dispatch has been
// destroyed and its binding is replaced later; llama.cpp's Vulkan backend destroys buffers whenever it grows one.
// Test processes are short, so they may leak instead. Not for anything but tests.
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
    if (strcmp(name, "vkGetDeviceProcAddr") == 0) {
        get_device_function = (function(*)(void *, const char *))found;
        return (function)device_function;
    }
    return destroys(name) ? (function)keep : found;
}
