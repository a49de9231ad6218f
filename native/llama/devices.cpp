#include "devices.h"

#include "api.h"

namespace rast::llama {

std::vector<device_facts> list_devices() {
    std::vector<device_facts> out;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t device = ggml_backend_dev_get(i);
        device_facts facts;
        facts.name = ggml_backend_dev_name(device);
        facts.description = ggml_backend_dev_description(device);
        switch (ggml_backend_dev_type(device)) {
            case GGML_BACKEND_DEVICE_TYPE_CPU: facts.type = "cpu"; break;
            case GGML_BACKEND_DEVICE_TYPE_GPU: facts.type = "gpu"; break;
            case GGML_BACKEND_DEVICE_TYPE_IGPU: facts.type = "igpu"; break;
            default: facts.type = "accel"; break;
        }
        facts.backend = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
        ggml_backend_dev_memory(device, &facts.free, &facts.total);
        out.push_back(facts);
    }
    return out;
}

}  // namespace rast::llama
