// Small wrong changes of the native code, for scripts/mutate-native.mjs: [old text, new text, what it means, tests].
// The old text must occur once in its file. A test is a case of rast-native-tests (options in scripts/mutate-native.mjs)
// or a file for vitest ("FILE#NAME" for some of its tests). `equivalent` in place of tests says why nothing can notice.
export const mutations = {
    "native/sampling/row_order.cpp": [
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
            "return last - 1;\n}\n\n}  // namespace rast",
            "return first;\n}\n\n}  // namespace rast",
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
        ]
    ],
    "native/sampling/wide_row.h": [
        [
            "return x.logit != y.logit ? x.logit > y.logit : x.token < y.token;",
            "return x.logit >= y.logit;",
            "cuts with equal logits",
            ["exact", "row"]
        ]
    ],
    "native/sampling/wide_row.cpp": [
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
            "constexpr float deepest_exponent = 40.0F;",
            "constexpr float deepest_exponent = 4.0F;",
            "buckets end at a fourth of the row: still exact, slower",
            { equivalent: "what is further down is in the last bucket, which is looked into like any other" }
        ],
        [
            "for (int i = 0; i < first; ++i) {\n                mass",
            "for (int i = 1; i < first; ++i) {\n                mass",
            "min-p forgets the first bucket",
            ["row"]
        ],
        [
            "cut_to(at_weight(settings.min_p));",
            "end = at_weight(settings.min_p);",
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
            "= at_mass(settings.u * end.mass, true);",
            "= at_mass(settings.u * end.mass, false);",
            "a draw at a border, in buckets",
            ["exact"]
        ],
        [
            "return earlier(end, drawn) ? end.token : drawn.token;",
            "return drawn.token;",
            "a draw may fall behind what is kept by a rounding error",
            {
                equivalent:
                    "the mass of what is kept is summed in the same order as the draw's: it does not fall behind it; a guard"
            }
        ]
    ],
    "native/sampling/figure_kernels.cpp": [
        [
            "static_cast<int32_t>(x[i] == value) & at_value",
            "static_cast<int32_t>(x[i] == value)",
            "equal tokens behind count as likelier",
            ["token-figures"]
        ],
        [
            "shift[j] += times_mass(q, fused_down - base_down);",
            "shift[j] += times_mass(p, fused_down - base_down);",
            "KL is weighed by the base",
            ["token-figures"]
        ],
        [
            "return mass > 0.0F ? mass * x : 0.0F;",
            "return mass * x;",
            "what never comes is no number",
            ["token-figures"]
        ],
        [
            "at > 0 && largest.of[at - 1].logit < x[token]",
            "at > 0 && largest.of[at - 1].logit <= x[token]",
            "of equal alternatives the last comes first",
            ["token-figures"]
        ],
        [
            "largest.n < most ? lowest_logit : largest.of[most - 1].logit",
            "largest.n < most ? lowest_logit : largest.of[0].logit",
            "only a new largest is an alternative",
            ["token-figures"]
        ]
    ],
    "native/sampling/token_figures.cpp": [
        [
            "std::clamp(token, from, to) : from;",
            "std::clamp(token + 1, from, to) : from;",
            "a token is likelier than itself",
            ["token-figures"]
        ],
        [
            "sums.shift / sums.fused.mass + base.log_mass - rast.log_mass",
            "sums.shift / sums.fused.mass + rast.log_mass - base.log_mass",
            "KL with the masses turned round",
            ["token-figures"]
        ],
        [
            "masked.insert(masked.end(), lacking[pair].begin(), lacking[pair].end());",
            "",
            "small models have figures over tokens that the pair lacks",
            ["token-figures"]
        ],
        [
            "if (!can_draw(base_max) || !can_draw(fused_max)) {",
            "if (!can_draw(base_max)) {",
            "a row that nothing can be drawn of has figures",
            ["token-figures"]
        ]
    ],
    "native/sampling/row_kernels.cpp": [
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
            "largest[j] = z[i + j] > largest[j] ? z[i + j] : largest[j];",
            "largest[j] = z[i + j];",
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
            "out[found++] = {z[i], exp_lane((z[i] - max) * inv_temperature), token + i};",
            "out[found++] = {z[i], exp_lane(z[i] - max), token + i};",
            "weights at temperature 1 within a bucket",
            ["exact", "row"]
        ],
        [
            "out[found++] = {z[i], exp_lane((z[i] - max) * inv_temperature), token + i};",
            "out[found++] = {z[i], exp_lane((z[i] - max) * inv_temperature), i};",
            "tokens of later stretches are called as those of the first",
            ["exact", "row"]
        ]
    ],
    "native/sampling/sampling_steps.h": [
        ["logit += by.bias;", "logit = by.bias;", "bias replaces the logit", ["exact"]],
        [
            "logit = logit > 0.0F ? logit / by.repetition : logit * by.repetition;",
            "logit = logit / by.repetition;",
            "a penalty makes negative logits likelier",
            ["exact"]
        ],
        ["return logit - by.subtract;", "return logit + by.subtract;", "presence is a reward", ["exact"]],
        [
            "return s.top_k > 0 && s.top_k < n_tokens;",
            "return s.top_k > 1 && s.top_k < n_tokens;",
            "top-k 1 is off",
            ["exact"]
        ],
        [
            "return s.top_k > 0 && s.top_k < n_tokens;",
            "return s.top_k > 0 && s.top_k < n_tokens - 1;",
            "top-k of all but one is off",
            ["exact"]
        ],
        [
            "largest > lowest_logit && largest < std::numeric_limits<float>::infinity();",
            "largest > lowest_logit;",
            "a row with infinity is drawn from",
            ["exact"]
        ],
        [
            "largest > lowest_logit && largest < std::numeric_limits<float>::infinity();",
            "largest > minus_infinity && largest < std::numeric_limits<float>::infinity();",
            "banned tokens are drawn when nothing else is left",
            ["exact"]
        ]
    ],
    "native/sampling/fused_row.cpp": [
        [
            "adjusted_logit(z_[adjustment.token], adjustment);\n            update_block(adjustment.token);",
            "adjusted_logit(z_[adjustment.token], adjustment);",
            "the maximum of an adjusted block is old",
            ["exact"]
        ],
        [
            "if (token < n_) {\n            if (touched",
            "if (token <= 0) {\n            if (touched",
            "ids in the middle are not masked",
            ["exact"]
        ],
        ["z_[token] = never_logit;", "z_[token] = 0.0F;", "masked tokens have a logit", ["exact"]],
        [
            "if (touched >= 0 && touched / row_block != token / row_block) {\n                update_block(touched);",
            "if (false) {\n                update_block(touched);",
            "the maximum of a masked block is old",
            ["exact", "row"]
        ],
        ["if (!in.adjusted) {", "if (true) {", "the host adjusts a row twice", ["exact"]],
        [
            "adjustment.token >= 0 && adjustment.token < n_",
            "adjustment.token >= 0 && adjustment.token <= n_",
            "bias of the first id that cannot be drawn is written beyond the row",
            ["exact"]
        ],
        ["n_(std::min(in.n_drawable, in.n_vocab))", "n_(in.n_vocab)", "padding is drawn", ["exact"]],
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
            "if (z_[i] == max_) {\n                    return i;",
            "if (z_[i] == max_ && i > 0) {\n                    return i;",
            "the first id is never the largest",
            ["exact"]
        ]
    ],
    "native/sampling/listed_row.cpp": [
        ["list_.resize(k);", "list_.resize(k + 1);", "top-k keeps one more", ["exact"]],
        [
            "list_.begin() + (settings_.top_k - 1), list_.end(), before);",
            "list_.begin() + (settings_.top_k - 1), list_.end(), [](const candidate & x, const candidate & y) { return x.logit > y.logit; });",
            "top-k takes any of equal logits",
            ["exact"]
        ],
        [
            "static_cast<double>(settings_.top_p) * total_, false) + 1;",
            "static_cast<double>(settings_.top_p) * total_, true) + 1;",
            "top-p keeps one more at a border",
            ["exact"]
        ],
        [
            "static_cast<double>(settings_.top_p) * total_, false) + 1;",
            "static_cast<double>(settings_.top_p), false) + 1;",
            "top-p of no mass",
            ["exact", "row"]
        ],
        [
            "return c.weight >= settings_.min_p; });",
            "return c.weight > settings_.min_p; });",
            "min-p leaves out a token at exactly the bound",
            ["exact"]
        ],
        [
            "const double kept = has_filters(settings_, row_.size()) ? mass_of(list_.data(), end_) : total_;",
            "const double kept = total_;",
            "the draw is of more than is kept",
            ["exact"]
        ],
        [
            "settings_.u * kept, true)->token;",
            "settings_.u * kept, false)->token;",
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
            "-std::log(weight) * 1.0001F + 1e-4F;",
            "-std::log(weight) * 0.9F;",
            "min-p looks at too few tokens",
            ["exact"]
        ]
    ],
    "native/sampling/sampler_row.cpp": [
        [
            "const double log_total = std::log(row.total_mass(1.0F));",
            "const double log_total = std::log(row.total_mass(1.0F / settings.temperature));",
            "log-probabilities at the request's temperature",
            ["exact"]
        ],
        [
            "static_cast<double>(z) - row.max() - log_total);",
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
            "static_cast<ptrdiff_t>(n), candidates.end(), [](const row_candidate & x, const row_candidate & y) { return x.logit != y.logit ? x.logit > y.logit : x.token > y.token; });\n    out.n_top",
            "equal alternatives the other way round",
            ["exact"]
        ]
    ],
    "native/sampling/philox.h": [
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
    "native/text/text_stream.cpp": [
        ["low = lead == 0xE0 ? 0xA0 : 0x80;", "low = 0x80;", "overlong forms of three bytes pass", ["text"]],
        ["low = lead == 0xF0 ? 0x90 : 0x80;", "low = 0x80;", "overlong forms of four bytes pass", ["text"]],
        ["high = lead == 0xED ? 0x9F : 0xBF;", "high = 0xBF;", "surrogates pass", ["text"]],
        ["high = lead == 0xF4 ? 0x8F : 0xBF;", "high = 0xBF;", "what is beyond U+10FFFF passes", ["text"]],
        ["lead >= 0xC2 && lead <= 0xDF", "lead >= 0xC0 && lead <= 0xDF", "overlong forms of two bytes pass", ["text"]],
        ["lead >= 0xF0 && lead <= 0xF4", "lead >= 0xF0 && lead <= 0xF5", "F5 begins a character", ["text"]],
        ["if (place < at || (place == at", "if ((place == at", "no stop string is found", ["text"]],
        [
            "candidate.size() > stopped_by_->size())) {",
            "candidate.size() < stopped_by_->size())) {",
            "of several stop strings the shortest",
            ["text"]
        ],
        ["size_t keep = unfinished_tail(text);", "size_t keep = 0;", "unfinished characters are given out", ["text"]],
        [
            "return first_character(text.substr(text.size() - back)).cut_off ? back : 0;",
            "return first_character(text.substr(text.size() - back)).cut_off ? 0 : back;",
            "finished characters are held back",
            ["text"]
        ]
    ],
    "native/engine/sequence.cpp": [
        [
            "out.given = given()[ahead.size()];",
            "out.given = given()[0];",
            "every row of a round has the same token",
            ["scores"]
        ],
        [
            "out.keep = wanted_.grammar != nullptr;",
            "out.keep = grammar.has_value();",
            "a row behind the end of reasoning cannot be drawn again",
            ["test/e2e/reasoning.test.ts"]
        ],
        [
            "undecoded_ = history_.size() - before;",
            "undecoded_ = 1;",
            "drafts stay in the place of what is put behind a draw",
            ["test/e2e/reasoning.test.ts"]
        ],
        [
            "if (!first_round_over_) {",
            "if (result.completion_tokens == 1) {",
            "tokens of the first round count with the time after it",
            ["test/e2e/clock.test.ts"]
        ],
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
    "native/engine/scheduler.cpp": [
        [
            "constexpr size_t worth_waiting_for = 8;",
            "constexpr size_t worth_waiting_for = 100;",
            "nobody waits for a beginning",
            ["schedule"]
        ],
        [
            "return decoder_.pending(*one) < decoder_.pending(*other);",
            "return decoder_.pending(*one) > decoder_.pending(*other);",
            "long prompts first",
            ["schedule"]
        ],
        [
            "bool fits = decoder_.pending(*seq) - 1 <= left;",
            "bool fits = decoder_.pending(*seq) <= left;",
            "what the budget just holds does not fit",
            ["schedule"]
        ],
        ["left -= decoder_.pending(*seq) - 1;", "left -= 0;", "short prompts cost no budget", ["schedule"]],
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
        ]
    ],
    "native/engine/prefill_budget.cpp": [
        [
            "return std::min<size_t>(config_.prefill_chunk, batch);",
            "return batch;",
            "chunks are not kept to",
            ["schedule"]
        ],
        [
            "if (!others_generate) {\n        return batch;",
            "if (!others_generate) {\n        return 1;",
            "prompts alone go token by token",
            { equivalent: "slower, the same text" }
        ]
    ],
    "native/engine/engine.cpp": [
        ['failed("ERR_INSUFFICIENT_MEMORY",', 'failed("ERR_INTERNAL",', "no memory is an internal error", ["schedule"]],
        [
            "once_there_is_memory([&] { callbacks_.on_stopped(); });",
            "",
            "nobody hears that the engine stopped",
            ["soak"]
        ],
        ["lost_ = why;", "", "those that were lost are not told", ["starved"]],
        ["lost_.reset();", "", "requests end because others were lost before", ["starved"]]
    ],
    "native/engine/inbox.cpp": [
        [
            "wanted.prompt.size() > config_.context_size",
            "wanted.prompt.size() >= config_.context_size",
            "a prompt as long as the context is refused",
            ["schedule"]
        ],
        ["if (token < 0 || token >= n_vocab) {", "if (token >= n_vocab) {", "negative tokens are taken", ["soak"]],
        [
            "config_.slots + config_.max_queue) {",
            "config_.slots + config_.max_queue + 1) {",
            "the queue takes one more",
            ["schedule"]
        ],
        ["if (!waits && !has_end) {", "if (!waits) {", "those that have ended end again with the lost", ["starved"]]
    ],
    "native/engine/draft_length.cpp": [
        [
            "constexpr double worth_it = 1.02;",
            "constexpr double worth_it = 0.5;",
            "drafts that cost more than they give",
            ["draft-length"]
        ],
        [
            "constexpr double share_for_trials = 0.005;",
            "constexpr double share_for_trials = 0;",
            "lengths stick",
            ["draft-length"]
        ],
        [
            "return together_ || depth == candidates_[0].most || is_liked(depth + 1);",
            "return true;",
            "numbers of rows that kernels do not like",
            ["draft-length"]
        ],
        [
            "static_cast<double>(out.fewest);",
            "static_cast<double>(n);",
            "others' tokens do not count",
            ["draft-length"]
        ],
        [
            "const int limit = found[i] ? std::min(one.most, one.found) : one.most;",
            "const int limit = one.most;",
            "more drafts than the text has",
            ["draft-length"]
        ]
    ],
    "native/engine/draft_costs.cpp": [
        ["constexpr double most_off = 0.5;", "constexpr double most_off = 50;", "a pause is a cost", ["draft-length"]],
        [
            "constexpr double newest_in_speed = 0.3;",
            "constexpr double newest_in_speed = 0;",
            "a slow machine makes dear what is decoded on it",
            ["draft-length"]
        ],
        [
            "if (rows == 0 || rows >= ms_.size() || ms <= 0) {\n        return 0;",
            "if (rows == 0 || rows > ms_.size() || ms <= 0) {\n        return 0;",
            "costs beyond the table are written",
            ["draft-length"]
        ],
        [
            "ms_[rows] = known(rows) ? std::min(ms_[rows], ms) : ms;",
            "ms_[rows] = ms;",
            "the latest calibration counts, not the quickest",
            ["draft-length"]
        ],
        [
            "if (!(ms >= 0 && ms <= most_ms && seen >= 0 && std::isfinite(seen))) {",
            "if (!(ms <= most_ms && seen >= 0 && std::isfinite(seen))) {",
            "damaged costs are taken",
            ["draft-length"]
        ]
    ],
    "native/engine/repeat_finder.cpp": [
        [
            "if (place == 0 || out.alike < run) {",
            "if (place == 0) {",
            "runs with the same hash are taken for the same",
            ["repeats"]
        ],
        ["taken_in_ = history.size();", "taken_in_ = 0;", "all is taken in again with every token", ["repeats"]],
        ["out.tokens[place + i - end]", "history[end - 1]", "a repeat of itself goes on with one token", ["repeats"]]
    ],
    "native/engine/agreement.h": [
        [
            "agreed_ = agreed_ * memory_ + (same ? 1 : 0);",
            "agreed_ = agreed_ + (same ? 1 : 0);",
            "agreement is never forgotten",
            ["draft-length"]
        ]
    ],
    "native/sampling/pair_rows.cpp": [
        [
            "if (settings.lambda[static_cast<size_t>(k)] == 0.0F) {",
            "if (false) {",
            "rows of pairs without strength are not cleaned",
            {
                equivalent:
                    "on the CPU: pairs without strength are not read; a device multiplies them by 0, and only an infinity shows"
            }
        ]
    ],
    "native/sampling/logits_sink.cpp": [
        [
            "to[i] = v > logit_bound ? logit_bound : (v < -logit_bound ? -logit_bound : v);",
            "to[i] = -v;",
            "rows are handed over negated",
            ["parity"]
        ],
        [
            "written().host_row(local_ ? row : target)",
            "written().host_row(0)",
            "all rows are handed to the first",
            ["drafts"]
        ]
    ],
    "native/grammar/code_set.cpp": [
        [
            "merged.back().high = std::max(merged.back().high, range.high);",
            "merged.back().high = range.high;",
            "a range inside another cuts it off",
            ["gbnf"]
        ],
        [
            "from = range.high + uint64_t{1};",
            "from = range.high;",
            "a negated class holds its last character",
            ["gbnf"]
        ],
        [
            "keep(range.low, std::min(high, first_surrogate - 1));",
            "keep(range.low, high);",
            "surrogates are characters",
            ["gbnf"]
        ]
    ],
    "native/grammar/gbnf_parser.cpp": [
        [
            "if (text_.size() > longest_grammar_bytes) {",
            "if (text_.size() > 2 * longest_grammar_bytes) {",
            "grammars twice as long are read",
            ["gbnf"]
        ],
        [
            "if (++depth_ > deepest_grammar_parentheses) {",
            "if (++depth_ >= deepest_grammar_parentheses) {",
            "a parenthesis less",
            ["gbnf"]
        ],
        ["if (max < min) {", "if (max <= min) {", "a repetition of an exact number is refused", ["gbnf"]],
        [
            "rule.used = rule.used == 0 ? line : rule.used;",
            "rule.used = line;",
            "an undefined rule is named where it is used last",
            ["gbnf"]
        ],
        ["if (tree_.rules[rule].line != 0) {", "if (false) {", "a rule may be defined twice", ["gbnf"]],
        [
            "if (count > most_grammar_repetitions) {",
            "if (count >= most_grammar_repetitions) {",
            "a million repetitions are too many",
            ["gbnf"]
        ],
        [
            "if (is('-') && at_ + 1 < text_.size() && peek(1) != ']') {",
            "if (is('-') && at_ + 1 < text_.size()) {",
            "a minus at the end of a class begins a range",
            ["gbnf"]
        ],
        ["repeat(items, c == '+' ? 1 : 0,", "repeat(items, 0,", "+ is *", ["gbnf"]],
        ["c == '?' ? 1 : gbnf_node::endless);", "gbnf_node::endless);", "? is *", ["gbnf"]],
        ["if (high < low) {", "if (high <= low) {", "a range of one character is refused", ["gbnf"]]
    ],
    "native/grammar/gbnf_text.cpp": [
        ["case 'u': return parse_hex(4);", "case 'u': return parse_hex(3);", "an escape of three digits", ["gbnf"]],
        [
            "value = value << 4 | static_cast<uint32_t>(digit);",
            "value = value << 3 | static_cast<uint32_t>(digit);",
            "hexadecimal digits of three bits",
            ["gbnf"]
        ],
        ["line_ += text_[counted_to_] == '\\n' ? 1 : 0;", "line_ += 0;", "all rules are in line 1", ["gbnf"]]
    ],
    "native/grammar/grammar_checks.cpp": [
        [
            "if (node.what == node_kind::sequence && !nullable.of(child)) {",
            "if (node.what == node_kind::sequence) {",
            "left recursion behind what may be empty is taken",
            ["gbnf"]
        ],
        ["if (!ends.of_rule(r)) {", "if (false) {", "rules that never end are taken", ["gbnf"]],
        [
            "if (static_cast<int32_t>(node.value) >= tokens->count) {",
            "if (static_cast<int32_t>(node.value) > tokens->count) {",
            "the first id beyond the vocabulary may be named",
            ["gbnf"]
        ],
        [
            "if (!negated && tokens->ends_text(",
            "if (negated && tokens->ends_text(",
            "a text may hold its end",
            ["gbnf"]
        ],
        [
            "node.what == gbnf_node::kind::repeat && node.min == 0;",
            "node.what == gbnf_node::kind::repeat && node.min <= 1;",
            "what comes at least once may be empty",
            ["gbnf"]
        ]
    ],
    "native/grammar/match_memory.cpp": [
        [
            "if (at.counter < state.max) {\n                found_.push_back(at);",
            "if (at.counter <= state.max) {\n                found_.push_back(at);",
            "characters repeat once too often",
            ["gbnf"]
        ],
        [
            "add(state.next, 0, at.frame);\n            }\n            break;\n        case grammar::kind::count_rule:\n            if (at.counter < state.max) {",
            "add(state.next, 0, at.frame);\n            }\n            break;\n        case grammar::kind::count_rule:\n            if (at.counter <= state.max) {",
            "rules repeat once too often",
            ["gbnf"]
        ],
        [
            "call(state.value, {at.state, at.counter + 1, at.frame});",
            "call(state.value, {at.state, at.counter, at.frame});",
            "repetitions of rules are not counted",
            ["gbnf"]
        ],
        [
            "if (grammar_->rules()[state.value].nullable) {",
            "if (false) {",
            "rules that may be empty are never empty",
            ["gbnf"]
        ],
        [
            ": state.value != token && !by_name_only) {",
            ": state.value != token) {",
            "a hidden token is any but another",
            ["gbnf"]
        ],
        [
            "for (size_t i = 0; i < at.tokens_from; ++i) {\n        if (grammar_->meets",
            "for (size_t i = 0; i < at.several_from; ++i) {\n        if (grammar_->meets",
            "a character of several kinds cannot be begun",
            ["gbnf"]
        ],
        [
            "if (at.frame == 0) {\n                    complete_ = true;",
            "if (at.frame == 1) {\n                    complete_ = true;",
            "texts are complete in the middle",
            ["gbnf"]
        ],
        [
            "todo_.push_back({one.state, one.counter + 1, one.frame});",
            "todo_.push_back({one.state, one.counter, one.frame});",
            "repetitions of characters are not counted",
            ["gbnf"]
        ],
        [
            "configs_[one].complete || configs_[other].complete",
            "configs_[other].complete",
            "a token's text may end the text, its name may not",
            ["gbnf"]
        ]
    ],
    "native/grammar/grammar_matcher.cpp": [
        [
            "byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80",
            "byte == 0xF0 ? 0x90 : 0x80",
            "overlong characters of three bytes match",
            ["gbnf"]
        ],
        [
            "byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80",
            "byte == 0xE0 ? 0xA0 : 0x80",
            "overlong characters of four bytes match",
            ["gbnf"]
        ],
        [
            "if (byte < 0xC2 || byte > 0xF4) {",
            "if (byte < 0xC0 || byte > 0xF4) {",
            "overlong characters of two bytes match",
            ["gbnf"]
        ],
        [
            "return at_.part.lacking == 0 && memory_->complete(at_.config);",
            "return memory_->complete(at_.config);",
            "a text may end within a character",
            ["gbnf"]
        ],
        [
            "if (!by_text || !can_rest(*memory_, next)) {",
            "if (!by_text) {",
            "a token may begin a character that cannot come",
            ["gbnf"]
        ],
        ["if (known && !had) {", "if (false) {", "a look takes the one token that may not come", ["gbnf"]],
        ["if (memory_->complete(from_.config)) {", "if (true) {", "a look lets every text end", ["gbnf"]],
        [
            "node_ = node.end;\n                continue;",
            "++node_;\n                continue;",
            "a look goes on behind a prefix that cannot come",
            ["gbnf"]
        ],
        [
            "uint32_t low = (part.value << 6 | (part.low & 0x3FU)) << behind;",
            "uint32_t low = (part.value << 6) << behind;",
            "characters from U+0000 on may end an overlong beginning",
            {
                equivalent:
                    "the bounds of the next byte refuse it; only what may be begun is asked here, and no set holds less for a lower bound that no byte reaches"
            }
        ]
    ],
    "native/grammar/token_trie.cpp": [
        ["close_to(common);", "close_to(common + 1);", "the subtree of a text reaches into the next", ["gbnf"]],
        [
            "end_tokens_.push_back(static_cast<int32_t>(i));",
            "end_tokens_.push_back(0);",
            "other tokens end the text",
            ["gbnf"]
        ]
    ],
    "native/grammar/constrained_draw.cpp": [
        ["refused_ = true;", "refused_ = false;", "a refusal is not reported", ["constrained"]],
        [
            "            remove(trying_);\n            if",
            "            if",
            "a refused token may be drawn again",
            ["constrained"]
        ],
        [
            "const double target = number_(numbers_++) * total;",
            "const double target = number_(numbers_) * total;",
            "every draw has the same number",
            ["constrained"]
        ],
        [
            "if (tries_ == most_refusals) {",
            "if (tries_ == 0) {",
            "the set is looked at after one refusal",
            ["constrained"]
        ],
        [
            "is_greedy(settings_) ? never_logit : 0.0F;\n        weigh_block",
            "is_greedy(settings_) ? 0.0F : 0.0F;\n        weigh_block",
            "a refused token has the logit 0",
            ["constrained"]
        ],
        ["if (sum > target) {", "if (sum >= target) {", "a draw at a border is the token before", ["constrained"]],
        [
            "weights_[looked_at_] > 0.0F && (by_look",
            "(by_look",
            "what was refused is asked again",
            { equivalent: "the grammar refuses it again: the weight stays 0" }
        ],
        [
            "allowed[i] = look_->may_come(static_cast<int32_t>(i)) ? logits_[i] : never_logit;",
            "allowed[i] = logits_[i];",
            "the grammar is forgotten when the filters choose anew",
            ["constrained"]
        ],
        [
            "settings_.u = number_(numbers_++);\n    finish",
            "finish",
            "the last draw has the first's number",
            ["constrained"]
        ],
        [
            "return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(token)]) - max - std::log(total));",
            "return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(token)]) - std::log(total));",
            "log-probabilities without the maximum",
            ["constrained"]
        ]
    ],
    "native/engine/slot_caches.cpp": [
        [
            "if (held > best.held || (held == best.held && common > best.tokens)) {",
            "if (held < best.held || (held == best.held && common > best.tokens)) {",
            "of several beginnings not the longest",
            ["schedule"]
        ],
        [
            "const size_t most = std::min(from.tokens, history.size() - 1);",
            "const size_t most = std::min(from.tokens, history.size());",
            "the last token of a prompt is not decoded",
            ["schedule"]
        ],
        ["    held += count;", "    held += 0;", "nothing is ever held", ["schedule"]],
        [
            "held = needed[c] ? std::min(held,",
            "held = needed[0] ? std::min(held,",
            "caches that do not count do",
            {
                equivalent:
                    "the base's cache always counts: the beginning is shorter, decoded anew, and the text the same"
            }
        ]
    ],
    "native/engine/draft_length.h": [
        [
            "decodes_again_ = again; }",
            "decodes_again_ = !again; }",
            "what an expert with a state decodes again is for nothing",
            ["draft-length"]
        ]
    ],
    "native/engine/sequence_memory.h": [
        [
            "return kind_ != memory_kind::attention && kind_ != memory_kind::windowed;",
            "return kind_ != memory_kind::windowed;",
            "plain caches take one token each",
            ["memory"]
        ],
        [
            "bool adjacent_ids() const { return kind_ == memory_kind::recurrent; }",
            "bool adjacent_ids() const { return kind_ != memory_kind::recurrent; }",
            "plain caches need adjacent ids",
            ["memory"]
        ]
    ],
    "native/engine/sequence_memory.cpp": [
        [
            "return llama_memory_seq_pos_max(memory_, seq) == keep - 1 ? keep : -1;",
            "return llama_memory_seq_pos_max(memory_, seq) == keep ? keep : -1;",
            "a cut is never taken for done",
            ["schedule"]
        ],
        [
            "can_cut_back_ = possible && !one_token_each();",
            "can_cut_back_ = false;",
            "nothing can be cut back",
            ["schedule"]
        ],
        [
            "snapshots_ = possible ? snapshots_ : 0;",
            "",
            "states are gone back to of which llama.cpp keeps none",
            ["test/parity/states.test.ts#what comes after"]
        ],
        [
            "latest_ = {slot, std::clamp<llama_pos>(to - from - 1, 0, snapshots_)};",
            "latest_ = {slot, std::clamp<llama_pos>(to - from, 0, snapshots_)};",
            "the state before a decode's first token counts as kept",
            ["test/parity/states.test.ts#what comes after"]
        ],
        [
            "latest_ = {};  // once only",
            "",
            "a state is gone back from twice",
            { equivalent: "llama.cpp refuses that itself, until the next decode" }
        ],
        [
            "if (saved > 0 && saved <= keep && restore_checkpoint(slot)) {",
            "if (saved > 0 && restore_checkpoint(slot)) {",
            "a checkpoint beyond the place is gone back to",
            ["test/parity/states.test.ts#what comes after"]
        ],
        [
            "if (latest_.slot != slot || count < 1",
            "if (count < 1",
            "what another slot has decoded counts",
            ["test/parity/states.test.ts#what comes after"]
        ],
        [
            "checkpoint_.slot == slot ? checkpoint_.held : -1;",
            "checkpoint_.held;",
            "another slot's checkpoint is gone back to",
            ["test/parity/states.test.ts#what comes after"]
        ],
        [
            "llama_memory_seq_rm(memory_, id(slot, false), -1, -1);\n    if",
            "if",
            "a forgotten slot keeps its cells",
            ["schedule"]
        ]
    ],
    "native/files/state_file.cpp": [
        [
            "if (number<uint64_t>() != sum) {",
            "if (number<uint64_t>() == sum + 1) {",
            "the checksum is not looked at",
            ["test/malformed/states.test.ts"]
        ],
        [
            "if (left_ > 0) {",
            "if (false) {",
            "what follows the end is not looked at",
            ["test/malformed/states.test.ts"]
        ],
        [
            "if (tokens > expected.context_size) {",
            "if (tokens > 2 * expected.context_size) {",
            "states are longer than the context",
            ["test/malformed/states.test.ts"]
        ],
        [
            "if (token < 0 || token >= expected.n_vocab) {",
            "if (token >= expected.n_vocab) {",
            "negative tokens are read",
            ["test/malformed/states.test.ts"]
        ],
        [
            "if (context.held > tokens || size",
            "if (size",
            "a model holds more than there are tokens",
            ["test/malformed/states.test.ts"]
        ],
        [
            "if (print != bytes_of(context.fingerprint)) {",
            "if (false) {",
            "states of other models are taken",
            ["test/malformed/states.test.ts"]
        ]
    ],
    "native/files/state_layout.cpp": [
        [
            "if (!at.good || position >= most || seen[position] ||",
            "if (!at.good || position >= most ||",
            "a position comes twice",
            ["test/malformed/states.test.ts"]
        ],
        [
            "if (!whole || last + 1 < held) {",
            "if (!whole) {",
            "positions are missing at the end",
            ["test/malformed/states.test.ts"]
        ],
        [
            "if (!finite(b.type, data)) {",
            "if (false) {",
            "numbers that are not finite",
            ["test/malformed/states.test.ts"]
        ],
        [
            'return at.at_end() ? "" : "too many bytes";',
            'return "";',
            "bytes behind a state",
            ["test/malformed/states.test.ts"]
        ],
        [
            "if (at.number<int32_t>() != b.type) {",
            "if (at.number<int32_t>() < 0) {",
            "another type",
            ["test/malformed/states.test.ts"]
        ],
        [
            "return (half_at(data) & 0x7c00) != 0x7c00;",
            "return (half_at(data) & 0x7c00) != 0x7c01;",
            "infinite halves are finite",
            ["test/malformed/states.test.ts"]
        ]
    ],
    "native/files/header_checks.cpp": [
        [
            "if (kv_heads > 0 && heads % kv_heads != 0) {",
            "if (false) {",
            "heads that K and V cannot serve",
            ["test/malformed/headers.test.ts"]
        ],
        ["if (!std::isfinite(value) || (key", "if ((key", "numbers that are none", ["test/malformed/headers.test.ts"]],
        [
            'key.ends_with("epsilon") && value < 0',
            'key.ends_with("epsilon") && value < -1e9F',
            "a negative epsilon",
            ["test/malformed/headers.test.ts"]
        ],
        [
            "if (!seen.insert(text).second) {",
            "if (seen.empty() && !seen.insert(text).second) {",
            "two tokens with one text",
            ["test/malformed/headers.test.ts"]
        ],
        [
            "extra >= layers) {",
            "extra > layers) {",
            "no layer is left for the text",
            ["test/malformed/headers.test.ts"]
        ],
        ["if (used > experts ||", "if (", "more experts are used than there are", ["test/malformed/headers.test.ts"]]
    ],
    "native/files/tokenizer_comparison.cpp": [
        [
            "if (first == n_a && first == n_b) {",
            "if (first == n_a || first == n_b) {",
            "merges that one lacks are not looked at",
            ["test/malformed/common-vocabulary.test.ts"]
        ],
        [
            "for (size_t i = 0; i < n; ++i) {",
            "for (size_t i = 1; i < n; ++i) {",
            "the first merge is not read",
            ["test/malformed/common-vocabulary.test.ts"]
        ]
    ],
    "native/files/merges.cpp": [
        [
            "std::min_element(ranks.begin(), ranks.end());",
            "std::max_element(ranks.begin(), ranks.end());",
            "merges that rank last go first",
            ["test/malformed/common-vocabulary.test.ts"]
        ]
    ],
    "native/engine/role_contexts.cpp": [
        [
            "return (attributes & LLAMA_TOKEN_ATTR_UNUSED) != 0 ||",
            "return",
            "unused ids are drawn",
            ["test/malformed/common-vocabulary.test.ts"]
        ],
        [
            "for (int32_t gap = tokens.n_drawable; gap < token; ++gap) {",
            "for (int32_t gap = tokens.n_drawable; gap + 1 < token; ++gap) {",
            "an unused id beside the next text is drawn",
            ["test/malformed/common-vocabulary.test.ts"]
        ],
        [
            "if (!context->tokens().lists(token) &&",
            "if (context == contexts_[0] &&",
            "only the base's unused ids count",
            ["test/malformed/common-vocabulary.test.ts"]
        ],
        [
            "wanted.sampling.lambda[pair] != 0.0F;",
            "wanted.sampling.lambda[pair] > 0.0F;",
            "negative strengths skip the small models",
            ["drafts", "parity"]
        ]
    ],
    "native/napi/limits.h": [
        [
            'limit top_k{"topK", 0, many};',
            'limit top_k{"topK", 1, many};',
            "top-k 0 is refused",
            ["test/malformed/limits.test.ts"]
        ],
        [
            'limit logprobs{"logprobs", 0, 20};',
            'limit logprobs{"logprobs", 0, 21};',
            "more alternatives than there is room for",
            ["test/malformed/limits.test.ts"]
        ],
        [
            'limit threads{"threads", 1, 512};',
            'limit threads{"threads", 1, 513};',
            "more threads than ggml takes",
            ["test/malformed/limits.test.ts"]
        ],
        [
            'limit top_p{"topP", 0, 1, true};',
            'limit top_p{"topP", 0, 1};',
            "top-p 0 is taken",
            ["test/malformed/limits.test.ts"]
        ]
    ],
    "native/napi/arguments.cpp": [
        [
            " || (range.above_min && number == range.min)) {",
            ") {",
            "bounds that are no values are values",
            ["test/malformed/limits.test.ts"]
        ],
        [
            "number <= static_cast<double>(high)) ||",
            "number <= static_cast<double>(high) + 1) ||",
            "integers go one further",
            ["test/malformed/limits.test.ts"]
        ],
        [" || number != std::floor(number)) {", ") {", "integers have fractions", ["test/malformed/limits.test.ts"]],
        [
            "if (!(number >= range.min && number <= range.max) ||",
            "if (number < range.min || number > range.max ||",
            "NaN is within every range",
            ["test/malformed/limits.test.ts"]
        ],
        ["if (!lossless) {", "if (!value.IsBigInt()) {", "negative seeds wrap", ["test/malformed/limits.test.ts"]]
    ],
    "native/napi/read_config.cpp": [
        [
            "if (received > static_cast<size_t>(count.max)) {",
            "if (received >= static_cast<size_t>(count.max)) {",
            "one less than the most is too much",
            ["test/malformed/limits.test.ts"]
        ],
        [
            "values[i] >= limits::bias.min && values[i] <= limits::bias.max;",
            "values[i] >= limits::bias.min;",
            "biases above 100 are taken",
            ["test/malformed/limits.test.ts"]
        ],
        [
            "if (!fits && values[i] != -std::numeric_limits<float>::infinity()) {",
            "if (!fits) {",
            "-Infinity is no bias",
            ["test/malformed/limits.test.ts"]
        ],
        [
            "std::max(values[i], banning_bias)",
            "std::max(values[i], -1e2F)",
            "a ban can be outweighed",
            ["test/malformed/limits.test.ts"]
        ],
        [
            "if (tokens.size() != values.size()) {",
            "if (tokens.size() > values.size()) {",
            "more values than tokens",
            ["test/malformed/limits.test.ts"]
        ]
    ],
    "native/text/special_texts.cpp": [
        [
            "behind->from < at.to;",
            "behind->from < at.from;",
            "a control token that reaches into a content is one",
            ["test/native/tokenize.test.ts#control tokens"]
        ],
        [
            "left_end > one.at.from || right_end < one.at.to",
            "right_end < one.at.to",
            "special tokens may overlap",
            ["test/native/tokenize.test.ts#control tokens"]
        ],
        [
            "} else if (one.what->always) {",
            "} else if (one.what->control && false) {",
            "added tokens that look like control tokens are found in contents",
            ["test/e2e/control-tokens.test.ts#look like control tokens"]
        ]
    ],
    "native/text/reasoning_splitter.cpp": [
        [
            "held_[at + i].c != mark.bytes[i] || held_[at + i].control != mark.control[i]",
            "held_[at + i].c != mark.bytes[i]",
            "letters of a control token are its mark",
            ["reasoning"]
        ],
        [
            "if (begun && !end) {\n            break;",
            "if (begun && !end && space_ > 0) {\n            break;",
            "a mark in several tokens is not seen",
            ["reasoning"]
        ],
        [
            "give(space_, hold_space ? label::dropped : what);",
            "give(space_, what);",
            "white space in front of a closing mark stays",
            ["reasoning"]
        ]
    ],
    "native/text/tokenizer.cpp": [
        [
            "return is_letter(before) && !spans_space_[static_cast<unsigned char>(before)] && is_letter(text[at + 1]);",
            "return !spans_space_[static_cast<size_t>(before) & 127U];",
            "texts are cut at any space",
            ["test/native/tokenize.test.ts#qwen2", "test/native/tokenize.test.ts#llama-spm"]
        ],
        [
            "if (!cuts_lines_ || before != '\\n' || !starts) {",
            "if (before != '\\n') {",
            "texts are cut behind every line",
            ["test/native/tokenize.test.ts#qwen2", "test/native/tokenize.test.ts#llama-spm"]
        ],
        [
            "from = end + (prefixes_ && end < text.size() ? 1 : 0);",
            "from = end;",
            "pieces begin with two spaces",
            ["test/native/tokenize.test.ts#qwen2", "test/native/tokenize.test.ts#llama-spm"]
        ]
    ]
};
