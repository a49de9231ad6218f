// Random rows and settings that cover what a request can ask for.
#pragma once

#include "../sampling/sampler_settings.h"

#include <cstdint>
#include <random>
#include <vector>

namespace rast::test {

struct random_row {
    std::vector<float> base;
    std::vector<std::vector<float>> experts;
    std::vector<std::vector<float>> antiexperts;
    int32_t n_drawable = 0;
    std::vector<int32_t> masked;
};

class row_source {
  public:
    explicit row_source(uint32_t seed) : random_(seed) {}

    // `pairs` pairs; peaked like a language model's rows, some of them flat.
    random_row row(int n_vocab, int pairs) {
        random_row out;
        std::normal_distribution<float> body(0.0F, 2.5F);
        std::normal_distribution<float> delta(0.0F, 0.4F);
        const bool flat = chance(0.1);
        for (int i = 0; i < n_vocab; ++i) {
            out.base.push_back(flat ? body(random_) * 0.3F : body(random_));
        }
        for (int k = 0; k < 40 && !flat; ++k) {
            out.base[below(n_vocab)] = 17.0F - 0.35F * static_cast<float>(k);
        }
        for (int p = 0; p < pairs; ++p) {
            out.experts.emplace_back();
            out.antiexperts.emplace_back();
            for (int i = 0; i < n_vocab; ++i) {
                out.antiexperts.back().push_back(out.base[static_cast<size_t>(i)] + delta(random_));
                out.experts.back().push_back(out.antiexperts.back().back() + delta(random_));
            }
        }
        out.n_drawable = n_vocab > 4 && chance(0.5) ? n_vocab - 1 - static_cast<int>(below(n_vocab / 4)) : n_vocab;
        if (out.n_drawable > 8 && chance(0.5)) {
            out.masked = {2, 3, out.n_drawable / 2};
        }
        return out;
    }

    // Cycles through the filters alone and combined; greedy now and then.
    row_settings settings(const random_row & row, int index) {
        row_settings s;
        const float temperatures[] = {1.0F, 0.7F, 1.5F, 0.0F, 0.2F, 1.0F, 3.0F};
        s.temperature = temperatures[index % 7];
        const int filters = index % 8;
        s.top_k = (filters & 1) != 0 ? 1 + static_cast<int>(below(100)) : 0;
        s.top_p = (filters & 2) != 0 ? (chance(0.5) ? 0.95F : uniform()) : 1.0F;
        s.min_p = (filters & 4) != 0 ? 0.3F * uniform() : 0.0F;
        s.top_p = s.top_p <= 0.0F ? 0.5F : s.top_p;
        s.u = static_cast<float>(random_() >> 8) * 0x1p-24F;
        for (size_t k = 0; k < row.experts.size(); ++k) {
            const float lambdas[] = {1.0F, 0.5F, 0.0F, 1.5F, -0.5F};
            s.lambda[k] = lambdas[(index / 7 + static_cast<int>(k)) % 5];
        }
        if (index % 3 == 0) {
            const float penalties[] = {1.0F, 1.3F, 0.8F};
            const auto n = static_cast<int>(below(60));
            std::vector<bool> used(row.base.size(), false);
            for (int i = 0; i < n; ++i) {
                const auto token = static_cast<int32_t>(below(static_cast<int>(row.base.size())));
                if (!used[static_cast<size_t>(token)]) {
                    used[static_cast<size_t>(token)] = true;
                    s.adjustments.push_back(
                        {token, chance(0.2) ? -1e30F : uniform() * 4.0F - 2.0F, penalties[below(3)], uniform()});
                }
            }
            // never ban everything
            if (s.adjustments.size() > row.base.size() / 2) {
                s.adjustments.clear();
            }
        }
        s.top_logprobs = index % 5 == 0 ? static_cast<int>(below(max_top_logprobs + 1)) : -1;
        return s;
    }

    size_t below(int n) { return n <= 0 ? 0 : random_() % static_cast<uint32_t>(n); }

    float uniform() { return static_cast<float>(random_() >> 8) * 0x1p-24F; }

    bool chance(double p) { return uniform() < p; }

  private:
    std::mt19937 random_;
};

}  // namespace rast::test
