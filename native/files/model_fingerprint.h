// Tells models apart by all that their files say and by samples of all their weights.
#pragma once

#include "gguf_file.h"

#include <string>
#include <vector>

namespace rast {

// SHA-256, in hexadecimal, of every part's size and header (metadata, names, shapes, types and places of all tensors),
// and of the weights: whole up to 32 MiB, else 4 KiB in at most 4,096 places, one or more in every tensor. So it reads
// 16 MiB at most beside the headers, whatever the size. Names of files do not count.
// Throws ERR_FILE_UNREADABLE. Any thread.
std::string model_fingerprint(const std::vector<const gguf_file *> & parts);

}  // namespace rast
