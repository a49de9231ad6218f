#include "client.h"

#include "../error.h"
#include "../llama/api.h"
#include "backend.h"
#include "immortal.h"
#include "loss.h"
#include "targets.h"

// llama.cpp's
#include <ggml-rpc.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <unordered_set>

namespace rast::rpc {

namespace {

struct known_devices {
    std::mutex mutex;
    std::vector<remote_device> all;
    std::unordered_set<ggml_backend_reg_t> registered;
};

known_devices & devices_known() {
    static immortal<known_devices> made;
    return made.value;
}

}  // namespace

void connect_workers(const std::vector<worker_target> & workers) {
    for (const worker_target & worker : workers) {
        const std::string endpoint = endpoint_of(worker);
        const std::shared_ptr<rpc_dispatcher> connected = first_connection(endpoint);
        if (std::getenv("RAST_CHILD") != nullptr) {
            // Of an engine's own process, one connection as long as it lives. Elsewhere it ends with what uses it: the
            // loss of a worker that nobody uses must not end a program.
            static immortal<std::vector<std::shared_ptr<rpc_dispatcher>>> kept;
            kept.value.push_back(connected);
        }
        ggml_backend_reg_t reg = ggml_backend_rpc_add_server(endpoint.c_str());
        spoken_to().clear();
        if (reg == nullptr) {
            throw rast_error("ERR_WORKER_REFUSED", "The worker " + worker.address.text() + " offers no devices",
                             {{"worker", worker.address.text()}});
        }
        known_devices & known = devices_known();
        const std::lock_guard lock(known.mutex);
        if (!known.registered.insert(reg).second) {
            continue;
        }
        ggml_backend_register(reg);
        for (size_t i = 0; i < ggml_backend_reg_dev_count(reg); ++i) {
            ggml_backend_dev_t device = ggml_backend_reg_dev_get(reg, i);
            known.all.push_back({ggml_backend_dev_name(device), worker.address.text()});
        }
    }
}

std::vector<remote_device> remote_devices() {
    known_devices & known = devices_known();
    const std::lock_guard lock(known.mutex);
    return known.all;
}

}  // namespace rast::rpc
