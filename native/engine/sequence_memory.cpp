#include "sequence_memory.h"

#include "batch_builder.h"

#include <algorithm>
#include <array>

namespace rast {

namespace {

std::string architecture_of(const llama_model * model) {
    std::array<char, 128> name{};
    const int length = llama_model_meta_val_str(model, "general.architecture", name.data(), name.size());
    return length > 0 ? std::string(name.data()) : std::string();
}

}  // namespace

memory_kind memory_kind_of(const llama_model * model) {
    const std::string architecture = architecture_of(model);
    // llama_kv_cache_dsv4 refuses a second sequence in one stream; the others choose blocks by where cells lie, so that
    // company would change the text
    for (const char * blockwise : {"deepseek4", "minimax-m3", "qwen4exp"}) {
        if (architecture == blockwise) {
            return memory_kind::blockwise;
        }
    }
    if (llama_model_is_recurrent(model)) {
        return memory_kind::recurrent;
    }
    if (llama_model_is_hybrid(model)) {
        return memory_kind::hybrid;
    }
    return llama_model_n_swa(model) > 0 ? memory_kind::windowed : memory_kind::attention;
}

const char * describe(memory_kind kind) {
    switch (kind) {
        case memory_kind::none: return "has no memory";
        case memory_kind::attention: return "attends to all tokens";
        case memory_kind::windowed: return "has layers with a window";
        case memory_kind::hybrid: return "is partly recurrent";
        case memory_kind::recurrent: return "is recurrent";
        default: return "attends to blocks of tokens";
    }
}

sequence_memory::sequence_memory(llama_context * ctx, memory_kind kind, size_t slots, draft_memory drafts)
    : ctx_(ctx),
      memory_(llama_get_memory(ctx)),
      kind_(memory_ == nullptr ? memory_kind::none : kind),
      slots_(slots),
      window_(llama_model_n_swa(llama_get_model(ctx))),
      checkpoints_(drafts.checkpoint && has_states(kind_)),
      snapshots_(has_states(kind_) ? static_cast<int32_t>(drafts.snapshots) : 0),
      shortest_(slots, 0) {
    if (kind_ != memory_kind::none) {
        probe_cut_back();
    }
}

// Two tokens in, one out. Kinds that are known to fail are not relied on even if this works once; a state does it only
// where llama.cpp keeps earlier ones of the architecture.
void sequence_memory::probe_cut_back() {
    const llama_vocab * vocab = llama_model_get_vocab(llama_get_model(ctx_));
    const llama_token token = std::max(0, llama_vocab_bos(vocab));
    batch_builder batch(2, 1);
    batch.add(token, 0, 0, false);
    batch.add(token, 1, 0, false);
    bool possible = false;
    if (llama_decode(ctx_, batch.view()) == 0) {
        llama_synchronize(ctx_);
        possible = llama_memory_seq_rm(memory_, 0, 1, -1);
    }
    llama_memory_clear(memory_, true);
    can_cut_back_ = possible && !one_token_each();
    snapshots_ = possible ? snapshots_ : 0;
}

void sequence_memory::extended(size_t slot, bool second_id, llama_pos from, llama_pos to) {
    if (guarded()) {
        llama_memory_seq_cp(memory_, id(slot, second_id), guard(slot), from, to);
    }
    // of n tokens, the states after each are there; that before the first may be of any earlier decode
    latest_ = {slot, std::clamp<llama_pos>(to - from - 1, 0, snapshots_)};
}

void sequence_memory::copy(size_t from, bool from_second_id, size_t to, bool to_second_id, llama_pos keep) {
    llama_memory_seq_cp(memory_, id(from, from_second_id), id(to, to_second_id), 0, keep);
    if (guarded()) {
        llama_memory_seq_cp(memory_, id(from, from_second_id), guard(to), 0, keep);
    }
    shortest_[to] = shortest_[from];
}

void sequence_memory::checkpoint(size_t slot, llama_pos held) {
    if (!checkpoints_) {
        return;
    }
    // both have the same state until the next decode, which writes a new one for the slot
    llama_memory_seq_rm(memory_, checkpoint_id(), -1, -1);
    llama_memory_seq_cp(memory_, id(slot, false), checkpoint_id(), -1, -1);
    checkpoint_ = {slot, held};
}

void sequence_memory::drop_checkpoint(size_t slot) {
    if (checkpoint_.held >= 0 && checkpoint_.slot == slot) {
        llama_memory_seq_rm(memory_, checkpoint_id(), -1, -1);
        checkpoint_ = {};
    }
}

llama_pos sequence_memory::cut_back(size_t slot, bool second_id, llama_pos held, llama_pos keep) {
    if (!can_cut_back_) {
        if (roll_back(slot, held - keep, keep)) {
            return keep;
        }
        const llama_pos saved = checkpoint_.slot == slot ? checkpoint_.held : -1;
        if (saved > 0 && saved <= keep && restore_checkpoint(slot)) {
            return saved;
        }
        forget(slot);
        return 0;
    }
    const llama_seq_id seq = id(slot, second_id);
    if (keep < shortest_[slot] || !llama_memory_seq_rm(memory_, seq, keep, -1)) {
        return -1;
    }
    if (guarded()) {
        llama_memory_seq_rm(memory_, guard(slot), keep, -1);
    }
    return llama_memory_seq_pos_max(memory_, seq) == keep - 1 ? keep : -1;
}

bool sequence_memory::roll_back(size_t slot, llama_pos count, llama_pos keep) {
    if (latest_.slot != slot || count < 1 || count > latest_.positions) {
        return false;
    }
    latest_ = {};  // once only
    const llama_seq_id seq = id(slot, false);
    return llama_memory_seq_rm(memory_, seq, keep, -1) && llama_memory_seq_pos_max(memory_, seq) == keep - 1;
}

bool sequence_memory::restore_checkpoint(size_t slot) {
    const llama_seq_id seq = id(slot, false);
    const llama_pos held = checkpoint_.held;
    llama_memory_seq_rm(memory_, seq, -1, -1);
    llama_memory_seq_cp(memory_, checkpoint_id(), seq, -1, -1);
    drop_checkpoint(slot);
    latest_ = {};
    return llama_memory_seq_pos_max(memory_, seq) == held - 1;
}

void sequence_memory::forget(size_t slot) {
    llama_memory_seq_rm(memory_, id(slot, false), -1, -1);
    if (second_ids()) {
        llama_memory_seq_rm(memory_, id(slot, true), -1, -1);
    }
    if (guarded()) {
        llama_memory_seq_rm(memory_, guard(slot), -1, -1);
    }
    drop_checkpoint(slot);
    latest_ = latest_.slot == slot ? rollback{} : latest_;
    shortest_[slot] = 0;
}

std::vector<uint8_t> sequence_memory::save(size_t slot, llama_pos keep) {
    // Otherwise all that the slot holds is written, and load() cuts it back: a copy of the beginning would need another
    // sequence id below n_seq_max, or llama.cpp writes cells that it does not read. Under a window it writes what the
    // last position can see, so the sequence must end at `keep`; the guard remembers the rest.
    const llama_seq_id seq = id(slot, false);
    if (guarded()) {
        llama_memory_seq_rm(memory_, seq, keep, -1);
    }
    std::vector<uint8_t> bytes(llama_state_seq_get_size(ctx_, seq));
    const size_t written = llama_state_seq_get_data(ctx_, bytes.data(), bytes.size(), seq);
    if (guarded()) {
        llama_memory_seq_cp(memory_, guard(slot), seq, keep, -1);
    }
    return written == bytes.size() ? bytes : std::vector<uint8_t>();
}

bool sequence_memory::load(size_t slot, std::span<const uint8_t> bytes, llama_pos keep) {
    const llama_seq_id seq = id(slot, false);
    if (llama_state_seq_set_data(ctx_, bytes.data(), bytes.size(), seq) == 0) {
        return false;
    }
    extended(slot, false, -1, -1);
    const llama_pos held = llama_memory_seq_pos_max(memory_, seq) + 1;
    if (cut_back(slot, false, held, keep) != keep) {
        return false;
    }
    // what the last position sees, so that it or its successor can be decoded
    shortest_[slot] = guarded() && keep > window_ ? keep - 1 : 0;
    return true;
}

}  // namespace rast
