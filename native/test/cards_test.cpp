// Which cards a CUDA backend holds code for, and drivers that do not answer.
#include "../llama/driver_answer.h"
#include "harness.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace rast::test {

int test_cards(const arguments &) {
    using llama::cuda_kernel;
    // of a build for CUDA 13: PTX for 7.5, 8.0 and 9.0, code for 8.6, 8.9, and for 12.0 alone
    const std::vector<cuda_kernel> many{{75, true, false},  {80, true, false}, {86, false, false},
                                        {89, false, false}, {90, true, false}, {120, false, true}};
    const std::vector<cuda_kernel> one{{86, false, false}};
    const std::vector<cuda_kernel> exact{{120, false, true}};
    const struct {
        const std::vector<cuda_kernel> & kernels;
        std::vector<int> runs;
        std::vector<int> fails;
    } cases[] = {{many, {75, 80, 86, 87, 89, 90, 100, 103, 120, 121}, {35, 50, 61, 70, 72}},
                 {one, {86, 87, 89}, {75, 80, 90, 120}},
                 {exact, {120}, {86, 90, 121}},
                 {{}, {35, 90}, {}}};
    for (const auto & each : cases) {
        for (const int capability : each.runs) {
            check(llama::runs_on(each.kernels, capability), "runs on " + std::to_string(capability));
        }
        for (const int capability : each.fails) {
            check(!llama::runs_on(each.kernels, capability), "does not run on " + std::to_string(capability));
        }
    }

    llama::driver_answer good;
    good.driver_version = 13000;
    const auto at_once = llama::answer_within(std::chrono::seconds(60), [good] { return good; });
    check(at_once.stage.empty() && at_once.driver_version == 13000, "an answer");
    const auto late = llama::answer_within(std::chrono::milliseconds(1), [good] {
        std::this_thread::sleep_for(std::chrono::seconds(2));
        return good;
    });
    check(late.stage == "time" && late.driver_version == 0, "no answer");
    std::printf("ok cards\n");
    return 0;
}

}  // namespace rast::test
