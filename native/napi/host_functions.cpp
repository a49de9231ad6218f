// Windows, compilers other than MSVC. A library of imports would name node.exe as the program that has Node-API's
// functions, and an app is called otherwise: they are looked up in the program that runs.
#if defined(_WIN32) && !defined(_MSC_VER)

#    include <windows.h>

// clang-format off
#define RAST_HOST_FUNCTIONS(X) \
    X(napi_add_env_cleanup_hook) \
    X(napi_add_finalizer) \
    X(napi_async_destroy) \
    X(napi_call_function) \
    X(napi_call_threadsafe_function) \
    X(napi_close_callback_scope) \
    X(napi_close_escapable_handle_scope) \
    X(napi_close_handle_scope) \
    X(napi_create_array) \
    X(napi_create_array_with_length) \
    X(napi_create_arraybuffer) \
    X(napi_create_buffer_copy) \
    X(napi_create_double) \
    X(napi_create_error) \
    X(napi_create_function) \
    X(napi_create_object) \
    X(napi_create_promise) \
    X(napi_create_reference) \
    X(napi_create_string_utf8) \
    X(napi_create_threadsafe_function) \
    X(napi_create_type_error) \
    X(napi_create_typedarray) \
    X(napi_define_properties) \
    X(napi_delete_reference) \
    X(napi_escape_handle) \
    X(napi_fatal_error) \
    X(napi_fatal_exception) \
    X(napi_get_and_clear_last_exception) \
    X(napi_get_array_length) \
    X(napi_get_arraybuffer_info) \
    X(napi_get_boolean) \
    X(napi_get_cb_info) \
    X(napi_get_element) \
    X(napi_get_instance_data) \
    X(napi_get_last_error_info) \
    X(napi_get_named_property) \
    X(napi_get_null) \
    X(napi_get_property) \
    X(napi_get_reference_value) \
    X(napi_get_typedarray_info) \
    X(napi_get_undefined) \
    X(napi_get_value_bigint_uint64) \
    X(napi_get_value_bool) \
    X(napi_get_value_double) \
    X(napi_get_value_string_utf8) \
    X(napi_has_property) \
    X(napi_is_array) \
    X(napi_is_exception_pending) \
    X(napi_is_typedarray) \
    X(napi_open_escapable_handle_scope) \
    X(napi_open_handle_scope) \
    X(napi_ref_threadsafe_function) \
    X(napi_reject_deferred) \
    X(napi_release_threadsafe_function) \
    X(napi_remove_env_cleanup_hook) \
    X(napi_resolve_deferred) \
    X(napi_set_element) \
    X(napi_set_instance_data) \
    X(napi_set_named_property) \
    X(napi_throw) \
    X(napi_typeof) \
    X(napi_unref_threadsafe_function)
// clang-format on

// What a function declared dllimport is called through.
#    define RAST_POINTER(name) void * __imp_##name = nullptr;
extern "C" {
RAST_HOST_FUNCTIONS(RAST_POINTER)
}
#    undef RAST_POINTER

namespace {

FARPROC host_function(const char * name) {
    // of Node.js built as a library, too
    const HMODULE hosts[] = {GetModuleHandleW(nullptr), GetModuleHandleW(L"libnode.dll")};
    for (HMODULE host : hosts) {
        if (FARPROC found = host != nullptr ? GetProcAddress(host, name) : nullptr) {
            return found;
        }
    }
    return nullptr;
}

}  // namespace

// FALSE in a program that has not all of them: the addon does not load, and nothing is called through nothing.
extern "C" BOOL WINAPI DllMain(HINSTANCE, DWORD reason, LPVOID) {
    if (reason != DLL_PROCESS_ATTACH) {
        return TRUE;
    }
    bool complete = true;
#    define RAST_FIND(name)                                            \
        __imp_##name = reinterpret_cast<void *>(host_function(#name)); \
        complete = complete && __imp_##name != nullptr;
    RAST_HOST_FUNCTIONS(RAST_FIND)
#    undef RAST_FIND
    return complete ? TRUE : FALSE;
}

#endif
