// Stands in for llama.cpp's common.h, of which its schema converter uses these alone.
#pragma once

#include <string>
#include <vector>

std::string string_repeat(const std::string & text, size_t n);
std::string string_join(const std::vector<std::string> & values, const std::string & separator);
std::vector<std::string> string_split(const std::string & text, const std::string & delimiter);
