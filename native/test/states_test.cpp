// States taken back: what a memory goes on from after cut_back() is what a decode from the start gives, and earlier
// states that llama.cpp has forgotten are never gone on from.
#include "../engine/batch_builder.h"
#include "../engine/role_context.h"
#include "../engine/sequence_memory.h"
#include "harness.h"

#include <cmath>
#include <cstdio>
#include <random>

namespace rast::test {

namespace {

constexpr size_t slots = 3;
constexpr uint32_t batch_tokens = 64;
// Logits after other histories are further off than rounding by this factor at least.
constexpr double unmistakable = 8;

using tokens = std::vector<llama_token>;

// A context without samplers under a sequence_memory, whose logits are read whole.
class remembered {
  public:
    remembered(const role_context & loaded, const engine_config & engine, draft_memory drafts) {
        const memory_kind kind = memory_kind_of(loaded.model().get());
        llama_context_params params = context_params(engine, 1, stopping_);
        params.n_outputs_max = slots + 1;
        params.n_seq_max = slots + (drafts.checkpoint ? 1 : 0);
        params.n_rs_seq = drafts.snapshots;
        ctx_.reset(llama_init_from_model(loaded.model().get(), params));
        if (!ctx_) {
            fail("no context");
        }
        memory_.emplace(ctx_.get(), kind, slots, drafts);
        n_vocab_ = static_cast<size_t>(loaded.n_vocab());
    }

    sequence_memory & memory() { return *memory_; }
    llama_memory_t raw() { return llama_get_memory(ctx_.get()); }

    // Decodes what the slot lacks of the history in one decode. @returns the logits of the last token
    std::vector<float> decode(size_t slot, const tokens & history) {
        batch_builder batch(batch_tokens, 1);
        for (size_t i = held[slot]; i < history.size(); ++i) {
            batch.add(history[i], static_cast<llama_pos>(i), memory_->id(slot, false), i + 1 == history.size());
        }
        if (llama_decode(ctx_.get(), batch.view()) != 0) {
            fail("llama.cpp refused a batch");
        }
        llama_synchronize(ctx_.get());
        memory_->extended(slot, false, static_cast<llama_pos>(held[slot]), static_cast<llama_pos>(history.size()));
        held[slot] = history.size();
        const float * logits = llama_get_logits_ith(ctx_.get(), -1);
        return {logits, logits + n_vocab_};
    }

    void forget(size_t slot) {
        memory_->forget(slot);
        held[slot] = 0;
    }

    size_t cut_back(size_t slot, size_t keep) {
        const llama_pos left =
            memory_->cut_back(slot, false, static_cast<llama_pos>(held[slot]), static_cast<llama_pos>(keep));
        if (left < 0 || left > static_cast<llama_pos>(keep)) {
            fail("a cut back to " + std::to_string(keep) + " left " + std::to_string(left));
        }
        held[slot] = static_cast<size_t>(left);
        return held[slot];
    }

    void checkpoint(size_t slot) { memory_->checkpoint(slot, static_cast<llama_pos>(held[slot])); }

    std::vector<size_t> held = std::vector<size_t>(slots, 0);

  private:
    std::atomic<bool> stopping_{false};
    std::unique_ptr<llama_context, llama_context_deleter> ctx_;
    std::optional<sequence_memory> memory_;
    size_t n_vocab_ = 0;
};

double distance(const std::vector<float> & one, const std::vector<float> & other) {
    double most = 0;
    for (size_t i = 0; i < one.size(); ++i) {
        most = std::max(most, std::fabs(static_cast<double>(one[i]) - static_cast<double>(other[i])));
    }
    return most;
}

tokens text(size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    tokens out;
    for (size_t i = 0; i < count; ++i) {
        out.push_back(static_cast<llama_token>(1 + random() % 250));
    }
    return out;
}

tokens joined(tokens one, const tokens & other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

class states_case {
  public:
    // @param rounding of logits, between decodes of other shapes
    states_case(const role_context & loaded, const engine_config & engine, double rounding)
        : loaded_(loaded), engine_(engine), rounding_(rounding), plain_(loaded, engine, {}) {}

    // What must come after the history.
    void expect(const std::vector<float> & got, const tokens & history, const std::string & what) {
        plain_.forget(0);
        const double off = distance(got, plain_.decode(0, history));
        worst_ = std::max(worst_, off);
        if (off > rounding_) {
            fail(what + ": logits are off by " + std::to_string(off));
        }
    }

    // Drafts of every length, of which any number is accepted, verified in one decode. @returns snapshots
    int32_t snapshots(int32_t wanted) {
        remembered verifier(loaded_, engine_, {false, static_cast<uint32_t>(wanted)});
        const int32_t most = verifier.memory().most_drafts();
        tokens history = text(20, 1);
        for (size_t drafts = 1; drafts <= static_cast<size_t>(wanted); ++drafts) {
            for (size_t accepted = 0; accepted < drafts; ++accepted) {
                const std::string what = std::to_string(accepted) + " of " + std::to_string(drafts) + " drafts kept";
                verifier.forget(1);
                verifier.decode(1, tokens(history.begin(), history.end() - 1));
                const tokens drafted = text(drafts, 7 + static_cast<uint32_t>(drafts));
                verifier.decode(1, joined(history, drafted));
                const size_t keep = history.size() + accepted;
                if (verifier.cut_back(1, keep) != (most == 0 ? 0 : keep)) {
                    fail(what + ": the state was not to be had, or of an architecture that has none");
                }
                tokens later = joined(history, tokens(drafted.begin(), drafted.begin() + static_cast<long>(accepted)));
                later.push_back(99);
                expect(verifier.decode(1, later), later, what);
            }
        }
        if (most > 0) {
            stale(verifier, history);
        }
        return most;
    }

    // Every way to ask for a state that is no longer there.
    void stale(remembered & verifier, const tokens & history) {
        const auto begin = [&](size_t slot, size_t last) {
            verifier.forget(slot);
            verifier.decode(slot, tokens(history.begin(), history.end() - static_cast<long>(last)));
            verifier.decode(slot, history);
        };
        const auto refused = [&](size_t slot, size_t count, const char * what) {
            check(verifier.cut_back(slot, verifier.held[slot] - count) == 0, std::string(what) + " was gone on from");
            expect(verifier.decode(slot, history), history, what);
        };
        begin(1, 1);
        refused(1, 1, "the state before a single token");
        begin(1, 3);
        refused(1, 3, "the state before all tokens of a decode");
        begin(1, 4);
        check(verifier.cut_back(1, history.size() - 1) == history.size() - 1, "one of four was not taken back");
        refused(1, 1, "a second step back");
        begin(1, 4);
        begin(2, 4);
        refused(1, 2, "a state from before others were decoded");
        begin(1, 4);
        verifier.forget(1);
        verifier.decode(1, history);
        check(verifier.cut_back(1, history.size() - 2) == history.size() - 2, "two of a prompt were not taken back");

        // llama.cpp itself gives them: without our own account of them the text would be another
        begin(1, 1);
        const auto seq = verifier.memory().id(1, false);
        if (!llama_memory_seq_rm(verifier.raw(), seq, static_cast<llama_pos>(history.size()) - 1, -1)) {
            return;  // it has learned to refuse
        }
        verifier.held[1] = history.size() - 1;
        tokens other = history;
        other.back() = 99;
        const std::vector<float> wrong = verifier.decode(1, other);
        plain_.forget(0);
        check(distance(wrong, plain_.decode(0, other)) > unmistakable * rounding_,
              "a wrong state is not told from a right one");
        verifier.forget(1);
    }

    // Drafts token by token, in two slots by turns, and in a third that never drafts.
    void checkpoints() {
        remembered drafter(loaded_, engine_, {true, 0});
        check(drafter.memory().most_drafts() == sequence_memory::unlimited, "no checkpoints");
        std::mt19937 random(5);
        std::vector<tokens> histories = {text(9, 2), text(14, 3), text(5, 4)};
        for (int round = 0; round < 24; ++round) {
            const size_t slot = static_cast<size_t>(round) % slots;
            tokens & history = histories[slot];
            const std::string what = "round " + std::to_string(round);
            expect(drafter.decode(slot, history), history, what);
            if (slot == 2) {
                history.push_back(static_cast<llama_token>(1 + random() % 250));
                continue;
            }
            const size_t base = history.size();
            const size_t drafts = 1 + random() % 5;
            const size_t accepted = random() % (drafts + 1);
            tokens ahead = history;
            drafter.checkpoint(slot);
            for (size_t i = 0; i < drafts; ++i) {
                ahead.push_back(static_cast<llama_token>(1 + random() % 250));
                drafter.decode(slot, ahead);
            }
            if (accepted < drafts) {
                check(drafter.cut_back(slot, base + accepted) == base, what + ": not the checkpoint");
            }
            drafter.memory().drop_checkpoint(slot);
            history.assign(ahead.begin(), ahead.begin() + static_cast<long>(base + accepted));
            history.push_back(static_cast<llama_token>(1 + random() % 250));
            if (round == 12) {
                drafter.forget(slot);  // its request has ended
                history = text(11, 6);
            }
        }
        // one that another slot has taken meanwhile, one that lies behind, and none
        histories = {text(20, 8), text(6, 9), histories[2]};
        for (const size_t slot : {size_t{0}, size_t{1}}) {
            drafter.forget(slot);
            drafter.decode(slot, histories[slot]);
            drafter.checkpoint(slot);
        }
        check(drafter.cut_back(0, histories[0].size() - 2) == 0, "another slot's checkpoint was taken");
        check(drafter.cut_back(1, drafter.held[1] - 1) == 0, "a checkpoint beyond the place was taken");
        expect(drafter.decode(1, histories[1]), histories[1], "after all");
    }

    double worst() const { return worst_; }

  private:
    const role_context & loaded_;
    const engine_config & engine_;
    double rounding_;
    remembered plain_;
    double worst_ = 0;
};

}  // namespace

// --logit-tolerance: of a model whose memory is a state per sequence.
int test_states(const arguments & args) {
    open_from(args);
    engine_config config = config_from(args);
    config.slots = slots;
    config.rows = slots + 1;
    config.batch_size = batch_tokens;
    config = fitted(config);
    const role_context loaded(role::base, config.base, config, [](float) { return true; });
    states_case states(loaded, config, args.real("logit-tolerance", 2e-3));
    const int32_t snapshots = states.snapshots(7);
    states.checkpoints();
    std::printf("ok states, %d snapshots, worst %.1e\n", snapshots, states.worst());
    return 0;
}

}  // namespace rast::test
