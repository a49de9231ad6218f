#include "driver_answer.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace rast::llama {

bool runs_on(const std::vector<cuda_kernel> & kernels, int capability) {
    for (const cuda_kernel & kernel : kernels) {
        const bool is_same = kernel.capability == capability;
        // machine code runs on later cards of its generation, too
        const bool is_akin = kernel.capability / 10 == capability / 10 && kernel.capability <= capability;
        const bool is_earlier = kernel.is_portable && kernel.capability <= capability;
        if (is_same || (!kernel.is_exact && (is_akin || is_earlier))) {
            return true;
        }
    }
    return kernels.empty();
}

driver_answer answer_within(std::chrono::milliseconds patience, std::function<driver_answer()> ask) {
    struct meeting {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<driver_answer> answer;
    };

    const auto shared = std::make_shared<meeting>();
    std::thread([shared, ask = std::move(ask)] {
        driver_answer answer = ask();
        const std::lock_guard lock(shared->mutex);
        shared->answer = std::move(answer);
        shared->changed.notify_all();
    }).detach();
    std::unique_lock lock(shared->mutex);
    if (!shared->changed.wait_for(lock, patience, [&] { return shared->answer.has_value(); })) {
        driver_answer late;
        late.stage = "time";
        return late;
    }
    return *shared->answer;
}

}  // namespace rast::llama
