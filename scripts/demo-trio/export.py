"""Checkpoints -> GGUF files, held-out problems and trio files: python3 export.py CHECKPOINTS OUTPUT

CHECKPOINTS holds the PyTorch files that ROLES names.
"""
import argparse
import json
import pathlib

import numpy as np

import gguf_writer as gguf
import model as task

ROLES = {
    "demo-base": "L3",
    "demo-base-rl": "LRL3",
    "demo-weak-antiexpert": "S4",
    "demo-weak-expert": "SRL4",
    "demo-strong-antiexpert": "S3",
    "demo-strong-expert": "SRL3b",
}
TRIOS = {
    "demo": ("weak", "Sums in small steps, the weak pair: RAST does better than the base and than the expert."),
    "demo-strong": ("strong", "Sums in small steps, the strong pair: expert and ensemble nearly always agree."),
}
NORMAL, CONTROL, UNUSED = 1, 3, 5
HELD_OUT_SEED = 20250101
BLOCK_NAMES = {"n1.w": "attn_norm", "n2.w": "ffn_norm", "q.weight": "attn_q", "k.weight": "attn_k",
               "v.weight": "attn_v", "o.weight": "attn_output", "g.weight": "ffn_gate", "u.weight": "ffn_up",
               "dn.weight": "ffn_down"}


def tensor_name(name):
    """The GGUF name of a checkpoint's tensor."""
    fixed = {"emb.weight": "token_embd.weight", "nf.w": "output_norm.weight", "out.weight": "output.weight"}
    if name in fixed:
        return fixed[name]
    _, layer, rest = name.split(".", 2)
    return f"blk.{layer}.{BLOCK_NAMES[rest]}.weight"


def metadata(name, config):
    d, layers, heads, hidden = (config[key] for key in ("d", "L", "h", "ff"))
    # Byte-level BPE without merges: one character, one token. A newline is written as its byte symbol; characters
    # outside the vocabulary are dropped, where a sentencepiece vocabulary without byte tokens would fail.
    texts = [text.replace("\n", "\u010a") for text in task.TOKENS]
    types = [CONTROL] * 3 + [UNUSED if text.startswith("<u") else NORMAL for text in task.TOKENS[3:]]
    return [
        ("general.architecture", gguf.STRING, "llama"),
        ("general.name", gguf.STRING, name),
        ("general.file_type", gguf.U32, 0),
        ("llama.context_length", gguf.U32, task.CONTEXT),
        ("llama.embedding_length", gguf.U32, d),
        ("llama.block_count", gguf.U32, layers),
        ("llama.feed_forward_length", gguf.U32, hidden),
        ("llama.attention.head_count", gguf.U32, heads),
        ("llama.attention.head_count_kv", gguf.U32, heads),
        ("llama.attention.layer_norm_rms_epsilon", gguf.F32, task.RMS_EPS),
        ("llama.rope.dimension_count", gguf.U32, d // heads),
        ("llama.rope.freq_base", gguf.F32, task.ROPE_BASE),
        ("llama.vocab_size", gguf.U32, task.N_TOKENS),
        ("tokenizer.ggml.model", gguf.STRING, "gpt2"),
        ("tokenizer.ggml.pre", gguf.STRING, "gpt-2"),
        ("tokenizer.ggml.tokens", (gguf.ARRAY, gguf.STRING), texts),
        ("tokenizer.ggml.token_type", (gguf.ARRAY, gguf.I32), types),
        ("tokenizer.ggml.merges", (gguf.ARRAY, gguf.STRING), []),
        ("tokenizer.ggml.bos_token_id", gguf.U32, task.BOS),
        ("tokenizer.ggml.eos_token_id", gguf.U32, task.EOS),
        ("tokenizer.ggml.padding_token_id", gguf.U32, task.PAD),
        ("tokenizer.ggml.add_bos_token", gguf.BOOL, True),
        ("tokenizer.ggml.add_eos_token", gguf.BOOL, False),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, checkpoint in ROLES.items():
        model = task.load(arguments.checkpoints / f"{checkpoint}.pt")
        # Weights are interleaved as llama.cpp's rotary embedding wants them: no permutation.
        tensors = {tensor_name(key): value.numpy().astype(np.float32) for key, value in model.state_dict().items()}
        path = arguments.output / f"{name}.gguf"
        gguf.write(path, metadata(name, model.config), tensors)
        print(f"{path} {path.stat().st_size} bytes")
    for name, (pair, description) in TRIOS.items():
        trio = {
            "name": name,
            "description": description,
            "base": "demo-base.gguf",
            "expert": f"demo-{pair}-expert.gguf",
            "antiexpert": f"demo-{pair}-antiexpert.gguf",
            "lambda": 1,
            "promptTemplate": "Q:{prompt}=?\n",
            "stop": [],
            "sampling": {"temperature": 1, "topP": 1, "maxTokens": 120},
        }
        (arguments.output / f"{name}.json").write_text(json.dumps(trio, indent=4) + "\n")
    held_out = [{"prompt": text, "answer": answer} for text, answer in task.problems(300, HELD_OUT_SEED)]
    (arguments.output / "problems.jsonl").write_text("".join(json.dumps(one) + "\n" for one in held_out))


if __name__ == "__main__":
    main()
