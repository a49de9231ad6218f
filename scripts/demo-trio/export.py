"""Checkpoints -> GGUF files, held-out problems and trio files: python3 export.py CHECKPOINTS OUTPUT"""
import argparse
import json
import pathlib

import numpy as np

import gguf_writer as gguf
import model as lm
import task

MODELS = ["base", "base-rl", "weak-antiexpert", "weak-expert", "weak2-antiexpert", "weak2-expert",
          "strong-antiexpert", "strong-expert"]
TRIOS = {
    "demo": ("weak", "Small sums in words or figures. The weak pair: RAST does better than the base and the expert."),
    "demo-seed2": ("weak2", "The weak pair, trained a second time with other seeds."),
    "demo-strong": ("strong", "Small sums in words or figures. The strong pair: expert and ensemble nearly always agree."),
}
HELD_OUT_SEED, HELD_OUT_COUNT = 20260101, 1000
NORMAL, CONTROL, UNUSED = 1, 3, 5
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


def metadata(name, config, quantize):
    width, heads = config["width"], config["heads"]
    # Byte-level BPE: bytes are written as their symbols. There are no merges; "llama-bpe" cuts text into words and takes
    # a word that is a token whole, others character by character. Characters that are no token are dropped.
    texts = [text.replace("\n", "\u010a").replace(" ", "\u0120") for text in task.TOKENS]
    types = [CONTROL] * 3 + [UNUSED if text.startswith("<u") else NORMAL for text in task.TOKENS[3:]]
    return [
        ("general.architecture", gguf.STRING, "llama"),
        ("general.name", gguf.STRING, f"demo-{name}"),
        ("general.license", gguf.STRING, "mit"),
        ("general.file_type", gguf.U32, 7 if quantize else 0),
        ("general.quantization_version", gguf.U32, 2),
        ("llama.context_length", gguf.U32, task.CONTEXT),
        ("llama.embedding_length", gguf.U32, width),
        ("llama.block_count", gguf.U32, config["layers"]),
        ("llama.feed_forward_length", gguf.U32, config["hidden"]),
        ("llama.attention.head_count", gguf.U32, heads),
        ("llama.attention.head_count_kv", gguf.U32, heads),
        ("llama.attention.layer_norm_rms_epsilon", gguf.F32, lm.RMS_EPS),
        ("llama.rope.dimension_count", gguf.U32, width // heads),
        ("llama.rope.freq_base", gguf.F32, lm.ROPE_BASE),
        ("llama.vocab_size", gguf.U32, task.N_TOKENS),
        ("tokenizer.ggml.model", gguf.STRING, "gpt2"),
        ("tokenizer.ggml.pre", gguf.STRING, "llama-bpe"),
        ("tokenizer.ggml.tokens", (gguf.ARRAY, gguf.STRING), texts),
        ("tokenizer.ggml.token_type", (gguf.ARRAY, gguf.I32), types),
        ("tokenizer.ggml.merges", (gguf.ARRAY, gguf.STRING), []),
        ("tokenizer.ggml.bos_token_id", gguf.U32, task.BOS),
        ("tokenizer.ggml.eos_token_id", gguf.U32, task.EOS),
        ("tokenizer.ggml.padding_token_id", gguf.U32, task.PAD),
        ("tokenizer.ggml.add_bos_token", gguf.BOOL, True),
        ("tokenizer.ggml.add_eos_token", gguf.BOOL, False),
    ]


def write_model(checkpoint, path, name, quantize):
    model = lm.load(checkpoint)
    # Weights are interleaved as llama.cpp's rotary embedding wants them: no permutation.
    tensors = {tensor_name(key): value.numpy().astype(np.float32) for key, value in model.state_dict().items()}
    gguf.write(path, metadata(name, model.config, quantize), tensors, quantize)
    return sum(tensor.size for tensor in tensors.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        path = arguments.output / f"demo-{name}.gguf"
        count = write_model(arguments.checkpoints / f"{name}.pt", path, name, quantize=True)
        print(f"{path}: {count} parameters, {path.stat().st_size} bytes")
    for name, (pair, description) in TRIOS.items():
        trio = {
            "name": name,
            "description": description,
            "base": "demo-base.gguf",
            "expert": f"demo-{pair}-expert.gguf",
            "antiexpert": f"demo-{pair}-antiexpert.gguf",
            "lambda": 1,
            "promptTemplate": "Q: {prompt}?\n",
            "stop": [],
            "sampling": {"temperature": 1, "topP": 1, "maxTokens": 72},
        }
        (arguments.output / f"{name}.json").write_text(json.dumps(trio, indent=4) + "\n")
    held_out = task.problems(HELD_OUT_COUNT, HELD_OUT_SEED, "held-out")
    lines = [{"prompt": one.prompt, "answer": one.answer, "sum": one.sum} for one in held_out]
    (arguments.output / "problems.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    main()
