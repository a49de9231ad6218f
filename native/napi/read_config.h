// What JavaScript asks for as native values: the configuration of an engine, and requests. Ranges are checked here.
#pragma once

#include "../engine/engine_config.h"
#include "../engine/request.h"
#include "../text/tokenizer.h"
#include "arguments.h"

namespace rast::napi {

// All throw ERR_INVALID_ARGUMENT, which names the field.
engine_config read_engine_config(const object_reader & config);
request read_request(const object_reader & request);
reasoning_request read_reasoning(const object_reader & reasoning, const tokenizer & with);

}  // namespace rast::napi
