// Small wrong changes of the native code, for scripts/mutate-native.mjs: [old text, new text, what it means, tests].
// The old text must occur once in its file. A test is a case of rast-native-tests (options in scripts/mutate-native.mjs)
// or a file for vitest. `equivalent` in place of tests says why nothing can notice.
export const mutations = {
    "native/engine/row_order.cpp": [
        [
            "x.logit > y.logit : x.token < y.token;",
            "x.logit < y.logit : x.token < y.token;",
            "least likely first",
            ["exact"]
        ],
        [
            "x.logit > y.logit : x.token < y.token;",
            "x.logit > y.logit : x.token > y.token;",
            "another order of ties",
            ["exact"]
        ],
        [
            "strictly ? mass > target : mass >= target; };\n    double left_of",
            "strictly ? mass >= target : mass >= target; };\n    double left_of",
            "a draw at a border is the token before",
            ["exact"]
        ],
        [
            "strictly ? mass > target : mass >= target; };\n    double left_of",
            "strictly ? mass > target : mass > target; };\n    double left_of",
            "top-p keeps one token more at a border",
            ["exact"]
        ],
        [
            "return last - 1;\n}\n\nwide_row::wide_row",
            "return first;\n}\n\nwide_row::wide_row",
            "a draw beyond the last border is the first of the last part",
            ["exact", "row"]
        ],
        [
            "left_of += mass;\n            first = cut;",
            "first = cut;",
            "the mass of what is passed over is lost",
            ["exact"]
        ],
        [
            "if (!sorted) {\n        std::sort(first, last, before);",
            "if (sorted) {\n        std::sort(first, last, before);",
            "small parts are not sorted",
            ["exact"]
        ],
        ["if (n <= buckets_.count[at]) {", "if (n < buckets_.count[at]) {", "top-k at the end of a bucket", ["exact"]],
        [
            "n -= buckets_.count[at];\n        mass += buckets_.mass[at];",
            "n -= buckets_.count[at];",
            "top-k forgets the mass of the buckets before",
            ["exact", "row"]
        ],
        [
            "mass += buckets_.mass[b];\n            if (strictly ? mass > target : mass >= target) {",
            "mass += buckets_.mass[b];\n            if (mass >= target) {",
            "a draw at the border of buckets",
            ["exact", "row"]
        ],
        [
            "target - before_it, strictly);",
            "target, strictly);",
            "mass within a bucket is counted from the start",
            ["exact", "row"]
        ],
        [
            "return c.weight >= weight; });\n        if (kept",
            "return c.weight > weight; });\n        if (kept",
            "min-p leaves out a token at exactly the bound, in buckets",
            ["exact"]
        ],
        [
            "return {end->logit, end->token, mass};",
            "return {end->logit, end->token, 0.0};",
            "the mass that min-p keeps is lost",
            ["exact", "row"]
        ],
        [
            "const float deepest = 40.0F / inv_temperature;",
            "const float deepest = 4.0F / inv_temperature;",
            "buckets end at a fourth of the row: still exact, slower",
            { equivalent: "what is further down is in the last bucket, which is looked into like any other" }
        ],
        [
            "for (int i = 0; i < first; ++i) {\n                mass",
            "for (int i = 1; i < first; ++i) {\n                mass",
            "min-p forgets the first bucket",
            ["row"]
        ]
    ],
    "native/engine/row_order.h": [
        [
            "return x.logit != y.logit ? x.logit > y.logit : x.token < y.token;",
            "return x.logit >= y.logit;",
            "cuts with equal logits",
            ["exact", "row"]
        ]
    ],
    "native/engine/row_kernels.cpp": [
        [
            "v = v + lambda[0] * (e[0][i + j] - a[0][i + j]);",
            "v = v + lambda[0] * (a[0][i + j] - e[0][i + j]);",
            "the pair is turned round",
            ["exact"]
        ],
        [
            "v = v + lambda[1] * (e[1][i + j] - a[1][i + j]);",
            "v = v + lambda[0] * (e[1][i + j] - a[1][i + j]);",
            "the second pair has the first's strength",
            ["exact"]
        ],
        [
            "v = v + lambda[2] * (e[2][i + j] - a[2][i + j]);",
            "v = v + lambda[2] * (e[1][i + j] - a[2][i + j]);",
            "the third pair has the second's expert",
            ["exact"]
        ],
        [
            "for (int k = 0; k < Pairs; ++k) {\n                v = v + lambda[k] * (e[k][i] - a[k][i]);",
            "for (int k = 0; k < Pairs; ++k) {\n                v = v + lambda[k] * e[k][i];",
            "the tail of a row has no antiexpert",
            ["exact"]
        ],
        ["z[i] = v;\n            m = v > m ? v : m;", "z[i] = v;", "the tail of a block has no maximum", ["exact"]],
        [
            "largest[j] = v > largest[j] ? v : largest[j];",
            "largest[j] = v;",
            "a block's maximum is its last vector's",
            ["exact", "row"]
        ],
        [
            "for (; i < n; ++i) {\n        sum += exp_lane((z[i] - max) * inv_temperature);",
            "for (; i + 1 < n; ++i) {\n        sum += exp_lane((z[i] - max) * inv_temperature);",
            "the last token weighs nothing",
            ["exact"]
        ],
        [
            "sums[j] += exp_lane((z[i + j] - max) * inv_temperature);",
            "sums[j] += exp_lane(z[i + j] - max);",
            "mass at temperature 1",
            ["row"]
        ],
        [
            "m = z[i] > m ? z[i] : m;\n    }\n    return m;",
            "m = z[i];\n    }\n    return m;",
            "the largest logit is the last",
            ["exact", "row"]
        ],
        [
            "least = v > lowest_logit && v < least ? v : least;",
            "least = v < least ? v : least;",
            "banned tokens decide how wide buckets are",
            { equivalent: "depth is bounded by `deepest` as well: buckets are wider, the draw is the same" }
        ],
        [
            "z[b + j] > lowest_logit ? known : logit_buckets::n;",
            "known;",
            "banned tokens have mass in the last bucket",
            ["exact", "row"]
        ],
        ["++count[bucket[j]];", "count[bucket[j]] = 1;", "buckets hold one token", ["exact"]],
        [
            "down >= from && down < to && z[i] > lowest_logit",
            "down >= from && down <= to && z[i] > lowest_logit",
            "the next bucket's first logit is taken along",
            ["exact", "row"]
        ],
        [
            "if (down >= from && down < to && z[i] > lowest_logit) {",
            "if (down > from && down < to && z[i] > lowest_logit) {",
            "a bucket without its best logit",
            ["exact"]
        ],
        [
            "out.push_back({z[i], exp_lane((z[i] - max) * inv_temperature), i});",
            "out.push_back({z[i], exp_lane(z[i] - max), i});",
            "weights at temperature 1 within a bucket",
            ["exact", "row"]
        ]
    ],
    "native/engine/sampler_row.cpp": [
        [
            "if (token < n) {\n                if (touched",
            "if (token <= 0) {\n                if (touched",
            "ids in the middle are not masked",
            ["exact"]
        ],
        ["row.z[token] = minus_infinity;", "row.z[token] = 0.0F;", "masked tokens have a logit", ["exact"]],
        [
            "if (touched >= 0 && touched / row_block != token / row_block) {\n                    row.update_block(touched);",
            "if (false) {\n                    row.update_block(touched);",
            "the maximum of a masked block is old",
            ["exact", "row"]
        ],
        ["if (!in.adjusted) {", "if (true) {", "the host adjusts a row twice", ["exact"]],
        [
            "adjustment.token < 0 || adjustment.token >= n",
            "adjustment.token < 0 || adjustment.token > n",
            "bias of the first id that cannot be drawn is written beyond the row",
            ["exact"]
        ],
        ["z += adjustment.bias;", "z = adjustment.bias;", "bias replaces the logit", ["exact"]],
        [
            "z = z > 0.0F ? z / adjustment.repetition : z * adjustment.repetition;",
            "z = z / adjustment.repetition;",
            "a penalty makes negative logits likelier",
            ["exact"]
        ],
        ["z -= adjustment.subtract;", "z += adjustment.subtract;", "presence is a reward", ["exact"]],
        [
            "z -= adjustment.subtract;\n            row.update_block(adjustment.token);",
            "z -= adjustment.subtract;",
            "the maximum of an adjusted block is old",
            ["exact"]
        ],
        [
            "const int n = std::min(in.n_drawable, in.n_vocab);",
            "const int n = in.n_vocab;",
            "padding is drawn",
            ["exact"]
        ],
        [
            "settings.lambda[k] != 0.0F) {\n            e[pairs]",
            "settings.lambda[k] > 0.0F) {\n            e[pairs]",
            "negative strengths are ignored",
            ["exact"]
        ],
        [
            "lambda[pairs] = settings.lambda[k];",
            "lambda[pairs] = settings.lambda[0];",
            "all pairs have the first's strength",
            ["exact"]
        ],
        [
            "const bool top_k = settings.top_k > 0 && settings.top_k < row.n;",
            "const bool top_k = settings.top_k > 1 && settings.top_k < row.n;",
            "top-k 1 is off",
            ["exact"]
        ],
        [
            "const bool top_k = settings.top_k > 0 && settings.top_k < row.n;",
            "const bool top_k = settings.top_k > 0 && settings.top_k < row.n - 1;",
            "top-k of all but one is off",
            ["exact"]
        ],
        ["candidates.resize(k);", "candidates.resize(k + 1);", "top-k keeps one more", ["exact"]],
        [
            "candidates.begin() + (settings.top_k - 1), candidates.end(), before);",
            "candidates.begin() + (settings.top_k - 1), candidates.end(), [](const candidate & x, const candidate & y) { return x.logit > y.logit; });",
            "top-k takes any of equal logits",
            ["exact"]
        ],
        [
            "static_cast<double>(settings.top_p) * total, false) + 1;",
            "static_cast<double>(settings.top_p) * total, true) + 1;",
            "top-p keeps one more at a border",
            ["exact"]
        ],
        [
            "static_cast<double>(settings.top_p) * total, false) + 1;",
            "static_cast<double>(settings.top_p), false) + 1;",
            "top-p of no mass",
            ["exact", "row"]
        ],
        [
            "return c.weight >= settings.min_p; });",
            "return c.weight > settings.min_p; });",
            "min-p leaves out a token at exactly the bound",
            ["exact"]
        ],
        [
            "const double kept = top_k || top_p || min_p ? mass_of(first, last) : total;",
            "const double kept = total;",
            "the draw is of more than is kept",
            ["exact"]
        ],
        [
            "settings.u * kept, true)->token;",
            "settings.u * kept, false)->token;",
            "a draw at a border is the token before",
            ["exact"]
        ],
        [
            "const auto last = maxima.begin() + static_cast<ptrdiff_t>(count) - 1;",
            "const auto last = maxima.begin();",
            "top-k by the best block alone",
            ["row", "exact"]
        ],
        [
            "-std::log(settings.min_p) * 1.0001F + 1e-4F;",
            "-std::log(settings.min_p) * 0.9F;",
            "min-p looks at too few tokens",
            ["exact"]
        ],
        [
            "if (row.z[i] == row.max) {\n                    return i;",
            "if (row.z[i] == row.max && i > 0) {\n                    return i;",
            "the first id is never the largest",
            ["exact"]
        ],
        [
            "!(row.max > lowest_logit) || !std::isfinite(row.max)",
            "!(row.max > lowest_logit)",
            "a row with infinity is drawn from",
            ["exact"]
        ],
        [
            "!(row.max > lowest_logit) || !std::isfinite(row.max)",
            "!std::isfinite(row.max)",
            "banned tokens are drawn when nothing else is left",
            ["exact"]
        ],
        [
            "const double log_total = std::log(row.total_mass(1.0F));",
            "const double log_total = std::log(row.total_mass(1.0F / settings.temperature));",
            "log-probabilities at the request's temperature",
            ["exact"]
        ],
        [
            "static_cast<double>(z) - row.max - log_total);",
            "static_cast<double>(z) - log_total);",
            "log-probabilities without the maximum",
            ["exact"]
        ],
        [
            "const size_t n = std::min(n_top, candidates.size());",
            "const size_t n = std::min<size_t>(n_top, 1);",
            "one alternative",
            ["exact"]
        ],
        [
            "static_cast<ptrdiff_t>(n), candidates.end(), before);\n    out.n_top",
            "static_cast<ptrdiff_t>(n), candidates.end(), [](const candidate & x, const candidate & y) { return x.logit != y.logit ? x.logit > y.logit : x.token > y.token; });\n    out.n_top",
            "equal alternatives the other way round",
            ["exact"]
        ],
        [
            "cut_to(row.at_weight(settings.min_p));",
            "end = row.at_weight(settings.min_p);",
            "min-p widens what top-k kept",
            ["exact", "row"]
        ],
        [
            "static_cast<double>(settings.top_p) * end.mass, false));",
            "static_cast<double>(settings.top_p) * end.mass, true));",
            "top-p keeps one more at a border, in buckets",
            ["exact"]
        ],
        [
            "row.at_mass(settings.u * end.mass, true);",
            "row.at_mass(settings.u * end.mass, false);",
            "a draw at a border, in buckets",
            ["exact"]
        ],
        [
            "return wide_row::earlier(end, drawn) ? end.token : drawn.token;",
            "return drawn.token;",
            "a draw may fall behind what is kept by a rounding error",
            {
                equivalent:
                    "the mass of what is kept is summed in the same order as the draw's: it does not fall behind it; a guard"
            }
        ]
    ],
    "native/engine/philox.h": [
        ["static_cast<uint32_t>(seed >> 32)}", "0U}", "the seed's high word is dropped", ["numbers"]],
        [
            "{position, ordinal, static_cast<uint32_t>(purpose), 0}",
            "{position, 0, static_cast<uint32_t>(purpose), 0}",
            "the ordinal is dropped",
            ["numbers"]
        ],
        [
            "{position, ordinal, static_cast<uint32_t>(purpose), 0}",
            "{ordinal, position, static_cast<uint32_t>(purpose), 0}",
            "ordinal and position change places",
            ["numbers"]
        ],
        [
            "{position, ordinal, static_cast<uint32_t>(purpose), 0}",
            "{position, ordinal, 0, 0}",
            "the purpose is dropped",
            ["numbers"]
        ],
        ["out[0] >> 8) * 0x1p-24F", "out[1] >> 8) * 0x1p-24F", "another word of the block", ["numbers"]],
        ["round < 10", "round < 9", "a round less", ["philox"]],
        ["key[0] += 0x9E3779B9U;", "key[0] += 0x9E3779B1U;", "another constant", ["philox"]]
    ],
    "native/engine/text_stream.cpp": [
        ["low = lead == 0xE0 ? 0xA0 : 0x80;", "low = 0x80;", "overlong forms of three bytes pass", ["text"]],
        ["low = lead == 0xF0 ? 0x90 : 0x80;", "low = 0x80;", "overlong forms of four bytes pass", ["text"]],
        ["high = lead == 0xED ? 0x9F : 0xBF;", "high = 0xBF;", "surrogates pass", ["text"]],
        ["high = lead == 0xF4 ? 0x8F : 0xBF;", "high = 0xBF;", "what is beyond U+10FFFF passes", ["text"]],
        ["lead >= 0xC2 && lead <= 0xDF", "lead >= 0xC0 && lead <= 0xDF", "overlong forms of two bytes pass", ["text"]],
        ["lead >= 0xF0 && lead <= 0xF4", "lead >= 0xF0 && lead <= 0xF5", "F5 begins a character", ["text"]],
        ["if (found < at || (found == at", "if ((found == at", "no stop string is found", ["text"]],
        [
            "candidate.size() > stop->size())) {",
            "candidate.size() < stop->size())) {",
            "of several stop strings the shortest",
            ["text"]
        ],
        ["size_t keep = unfinished_tail(held_);", "size_t keep = 0;", "unfinished characters are given out", ["text"]],
        [
            "return first_character(text.substr(text.size() - back)).cut_off ? back : 0;",
            "return first_character(text.substr(text.size() - back)).cut_off ? 0 : back;",
            "finished characters are held back",
            ["text"]
        ]
    ],
    "native/engine/sequence.cpp": [
        [
            "history_.size() - static_cast<size_t>(window);\n        for",
            "history_.size() - static_cast<size_t>(window) + 1;\n        for",
            "the penalty window begins one late",
            ["settings"]
        ],
        [
            "history_.size() <= static_cast<size_t>(window)",
            "history_.size() < static_cast<size_t>(window)",
            "a prompt as long as the window: the same either way",
            { equivalent: "at equality both branches begin at token 0" }
        ],
        [
            "if (window > 0 && length > static_cast<size_t>(window)) {",
            "if (window > 0 && length >= static_cast<size_t>(window)) {",
            "the window is one shorter while it slides",
            ["settings"]
        ],
        [
            "count(counts, at(length - 1 - static_cast<size_t>(window)), -1);",
            "count(counts, at(length - static_cast<size_t>(window)), -1);",
            "another token leaves the window",
            ["settings"]
        ],
        [
            "slide(with_ahead, ahead[i], history_.size() + i + 1, at);",
            "slide(with_ahead, ahead[i], history_.size() + i + 2, at);",
            "settings of a row ahead use one token more",
            ["settings"]
        ],
        [
            "i < history_.size() ? history_[i] : ahead[i - history_.size()]; };",
            "i < history_.size() ? history_[i] : ahead[0]; };",
            "another draft leaves the window",
            ["settings"]
        ],
        [
            "static_cast<uint32_t>(history_.size() + ahead.size()), draw_purpose::token);",
            "static_cast<uint32_t>(history_.size()), draw_purpose::token);",
            "rows ahead have the random number of the first",
            ["settings", "drafts"]
        ],
        ["s.penalty_window != 0 &&", "s.penalty_window > 0 &&", "a window of the whole context is none", ["settings"]],
        [
            "static_cast<float>(n) * s.frequency_penalty + s.presence_penalty",
            "s.frequency_penalty + s.presence_penalty",
            "frequency does not count",
            ["settings"]
        ],
        [
            "if (at->second <= 0) {",
            "if (at->second < 0) {",
            "tokens that left the window keep their presence",
            ["settings"]
        ],
        [
            "if (!counts.contains(token)) {",
            "if (counts.contains(token)) {",
            "bias of tokens that were not seen is lost",
            ["settings"]
        ],
        [
            "s.temperature < coldest ? 0.0F : s.temperature;",
            "s.temperature;",
            "temperatures that float cannot divide by",
            ["settings"]
        ],
        [
            "history_.size() > context_size",
            "history_.size() >= context_size",
            "a context ends one token early",
            ["schedule"]
        ],
        [
            "result.completion_tokens >= wanted_.max_tokens",
            "result.completion_tokens > wanted_.max_tokens",
            "one token more than wanted",
            ["schedule"]
        ],
        ["result.restarts += 1;", "result.restarts += 0;", "giving way is not counted", ["schedule"]],
        ["if (with_lambda) {", "if (true) {", "mode base is not without strength", ["settings"]]
    ],
    "native/engine/engine_schedule.cpp": [
        [
            "constexpr size_t worth_waiting_for = 8;",
            "constexpr size_t worth_waiting_for = 100;",
            "nobody waits for a beginning",
            ["schedule"]
        ],
        [
            "return pending(*one) < pending(*other); });",
            "return pending(*one) > pending(*other); });",
            "long prompts first",
            ["schedule"]
        ],
        [
            "bool fits = pending(*seq) - 1 <= left;",
            "bool fits = pending(*seq) <= left;",
            "what the budget just holds does not fit",
            ["schedule"]
        ],
        ["left -= pending(*seq) - 1;", "left -= 0;", "short prompts cost no budget", ["schedule"]],
        [
            "std::max<size_t>({left, budget / 2, 1})",
            "std::max<size_t>({budget, 1})",
            "chunks take more than what is left",
            ["schedule"]
        ],
        [
            "std::max<size_t>({left, budget / 2, 1})",
            "std::max<size_t>({left / 2, 1})",
            "chunks of half of what is left",
            ["schedule"]
        ],
        [
            "return one->id() < other->id();",
            "return one->id() > other->id();",
            "who came first gives way",
            ["schedule"]
        ],
        [
            "waiting_.push_front(std::move(slots_[slot]));",
            "waiting_.push_back(std::move(slots_[slot]));",
            "who gave way waits behind all others",
            ["schedule"]
        ],
        [
            "waiting_.pop_front();\n",
            "waiting_.pop_front();\n        if (waiting_.size() > 1) { std::swap(waiting_.front(), waiting_.back()); }\n",
            "the latest is served first",
            ["schedule"]
        ],
        [
            "return std::min(config_.prefill_chunk, config_.batch_size);",
            "return config_.batch_size;",
            "chunks are not kept to",
            ["schedule"]
        ],
        [
            "if (!generating) {\n        return config_.batch_size;",
            "if (!generating) {\n        return 1;",
            "prompts alone go token by token",
            { equivalent: "slower, the same text" }
        ],
        [
            "wanted.sampling.lambda[pair] != 0.0F;",
            "wanted.sampling.lambda[pair] > 0.0F;",
            "negative strengths skip the small models",
            ["drafts", "parity"]
        ]
    ],
    "native/engine/engine.cpp": [
        [
            "wanted.prompt.size() > config_.context_size",
            "wanted.prompt.size() >= config_.context_size",
            "a prompt as long as the context is refused",
            ["schedule"]
        ],
        [
            "return token >= 0 && token < n_vocab_; };",
            "return token < n_vocab_; };",
            "negative tokens are taken",
            ["soak"]
        ],
        [
            "config_.slots + config_.max_queue) {",
            "config_.slots + config_.max_queue + 1) {",
            "the queue takes one more",
            ["schedule"]
        ],
        [
            'callbacks_.on_load_failed(rast_error("ERR_INSUFFICIENT_MEMORY"',
            'callbacks_.on_load_failed(rast_error("ERR_INTERNAL"',
            "no memory is an internal error",
            ["schedule"]
        ],
        [
            "    free_all();\n    callbacks_.on_stopped();",
            "    free_all();",
            "nobody hears that the engine stopped",
            ["soak"]
        ]
    ],
    "native/engine/draft_length.cpp": [
        [
            "constexpr double hopeful = 0.8;",
            "constexpr double hopeful = 1.0;",
            "what is not known is not hoped for",
            ["draft-length"]
        ],
        [
            "constexpr double worth_it = 1.04;",
            "constexpr double worth_it = 0.5;",
            "drafts that cost more than they give",
            ["draft-length"]
        ],
        ["std::min(ms, known * 3)", "ms", "a pause is a cost", ["draft-length"]],
        [
            "agreed_ = agreed_ * memory_ + (same ? 1 : 0);",
            "agreed_ = agreed_ + (same ? 1 : 0);",
            "agreement is never forgotten",
            ["draft-length"]
        ],
        [
            "if (rows == 0 || rows >= ms_.size()) {",
            "if (rows == 0 || rows > ms_.size()) {",
            "costs beyond the table are written",
            ["draft-length"]
        ]
    ],
    "native/engine/ensemble_sampler.cpp": [
        [
            "if (settings.lambda[static_cast<size_t>(k)] == 0.0F) {",
            "if (false) {",
            "rows of pairs without strength are not cleaned",
            {
                equivalent:
                    "on the CPU: pairs without strength are not read; a device multiplies them by 0, and only an infinity shows"
            }
        ],
        [
            "to[i] = v > bound ? bound : (v < -bound ? -bound : v);",
            "to[i] = -v;",
            "rows are handed over negated",
            ["parity"]
        ],
        [
            "row_in(store, local_tap_ ? row : tap_targets_[at])",
            "row_in(store, 0)",
            "all rows are handed to the first",
            ["drafts"]
        ]
    ]
};
