"""Checkpoints -> GGUF files in Q8_0, the trio file and held-out questions: python3 export_chat.py CHECKPOINTS OUTPUT"""
import argparse
import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import numpy as np

import export
import gguf_writer as gguf
import model as lm
import task
import vocabulary

MODELS = ["base", "antiexpert", "expert"]
HELD_OUT_SEED, HELD_OUT_COUNT = 20260202, 300
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def metadata(name, config):
    width, heads = config["width"], config["heads"]
    tokenizer = task.TOKENIZER
    types = [NORMAL] * vocabulary.N_ORDINARY + [CONTROL] * len(vocabulary.CONTROLS)
    types += [USER_DEFINED] * len(vocabulary.ADDED)
    return [
        ("general.architecture", gguf.STRING, "llama"),
        ("general.name", gguf.STRING, f"demo-chat-{name}"),
        # the weights are this package's own, tokenizer and template are Qwen's
        ("general.license", gguf.STRING, "MIT AND Apache-2.0"),
        ("general.file_type", gguf.U32, 7),
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
        ("tokenizer.ggml.pre", gguf.STRING, "qwen2"),
        ("tokenizer.ggml.tokens", (gguf.ARRAY, gguf.STRING), tokenizer.tokens),
        ("tokenizer.ggml.token_type", (gguf.ARRAY, gguf.I32), types),
        ("tokenizer.ggml.merges", (gguf.ARRAY, gguf.STRING), tokenizer.merges),
        ("tokenizer.ggml.bos_token_id", gguf.U32, task.PAD),
        ("tokenizer.ggml.eos_token_id", gguf.U32, task.EOS),
        ("tokenizer.ggml.padding_token_id", gguf.U32, task.PAD),
        ("tokenizer.ggml.add_bos_token", gguf.BOOL, False),
        ("tokenizer.chat_template", gguf.STRING, vocabulary.template()),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    for name in MODELS:
        model = lm.load(arguments.checkpoints / f"{name}.pt")
        tensors = {export.tensor_name(key): value.numpy().astype(np.float32) for key, value in model.state_dict().items()}
        path = arguments.output / f"demo-chat-{name}.gguf"
        gguf.write(path, metadata(name, model.config), tensors, quantize=True)
        print(f"{path}: {sum(tensor.size for tensor in tensors.values())} parameters, {path.stat().st_size} bytes")
    trio = {
        "name": "demo-chat",
        "description": "Small sums in a conversation, in Qwen3's format: for trying --chat, thinking and tools.",
        "base": "demo-chat-base.gguf",
        "expert": "demo-chat-expert.gguf",
        "antiexpert": "demo-chat-antiexpert.gguf",
        "lambda": 1,
        "sampling": {"temperature": 0.6, "topP": 0.95, "maxTokens": 128},
    }
    (arguments.output / "demo-chat.json").write_text(json.dumps(trio, indent=4) + "\n")
    questions = task.problems(HELD_OUT_COUNT, HELD_OUT_SEED, "held-out")
    lines = [json.dumps({"question": one.question, "answer": one.answer, "sum": one.sum}) for one in questions]
    (arguments.output / "demo-chat-questions.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
