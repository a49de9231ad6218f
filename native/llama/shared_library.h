// The system's loader. What is opened stays open for the life of the process unless it is closed here.
#pragma once

#include <string>

namespace rast::llama {

// Null where it does not open; `why` is then the loader's words.
void * try_open_library(const std::string & path, std::string & why);

// Throws ERR_LIBRARIES with the loader's words.
void * open_library(const std::string & path);

// Null where it has none. On Linux and macOS the libraries that it needs are looked through as well.
void * find_symbol(void * handle, const char * name);

void close_library(void * handle);

// The library, or program, that an address lies in stays for the life of the process, whoever closes it.
void keep_library_of(const void * inside);

}  // namespace rast::llama
