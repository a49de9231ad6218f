#!/usr/bin/env python3
"""PEFT adapters of tiny random models, and what llama.cpp's convert_lora_to_gguf.py makes of them.

Needs the packages torch, transformers, peft and safetensors:

    python3 scripts/peft-fixtures.py LLAMA > test/support/peft-fixtures.json

LLAMA is llama.cpp's source at the commit of node-llama-cpp's bundle. Made with peft 0.21.2 and transformers 5.24.0.
Adapters are kept whole (base64), the converter's tensors as SHA-256 of their numbers in F32.
"""

import base64
import contextlib
import hashlib
import json
import pathlib
import runpy
import sys
import tempfile

import torch
import transformers
from peft import LoraConfig, get_peft_model

llama = pathlib.Path(sys.argv[1])
sys.path[:0] = [str(llama), str(llama / "gguf-py")]
import gguf  # noqa: E402
COMMON = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
DENSE = ATTENTION + ["gate_proj", "up_proj", "down_proj"]


def family(config, architecture, targets=DENSE, more=None, **lora):
    return {"config": config, "architecture": architecture, "targets": targets, "more": more or {}, "lora": lora}


FAMILIES = {
    "llama": family(transformers.LlamaConfig, "llama"),
    "llama with a head of its own": family(
        transformers.LlamaConfig, "llama", DENSE + ["lm_head"], {"tie_word_embeddings": False}
    ),
    "mistral": family(transformers.MistralConfig, "llama"),
    "qwen2": family(transformers.Qwen2Config, "qwen2"),
    "qwen3": family(transformers.Qwen3Config, "qwen3", more={"head_dim": 8}),
    "gemma2": family(transformers.Gemma2Config, "gemma2", more={"head_dim": 8}),
    "gemma3": family(transformers.Gemma3TextConfig, "gemma3", more={"head_dim": 8}),
    "phi3": family(transformers.Phi3Config, "phi3", ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]),
    "qwen3moe, attention alone": family(
        transformers.Qwen3MoeConfig,
        "qwen3moe",
        ATTENTION,
        {"head_dim": 8, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    ),
    "an embedding": family(
        transformers.LlamaConfig, "llama", ["q_proj", "embed_tokens"], {"tie_word_embeddings": False}
    ),
    "half precision": family(transformers.LlamaConfig, "llama", ATTENTION, dtype=torch.float16),
    "bfloat16": family(transformers.Qwen2Config, "qwen2", ATTENTION, dtype=torch.bfloat16),
    "ranks of their own": family(
        transformers.Qwen2Config, "qwen2", ATTENTION, rank_pattern={"q_proj": 4}, alpha_pattern=None
    ),
}


def make(name, of, folder):
    torch.manual_seed(len(name))
    config = of["config"](**{**COMMON, **of["more"]})
    model = transformers.AutoModelForCausalLM.from_config(config)
    lora = dict(of["lora"])
    dtype = lora.pop("dtype", torch.float32)
    lora = {key: value for key, value in lora.items() if value is not None}
    adapted = get_peft_model(
        model, LoraConfig(r=2, lora_alpha=3, target_modules=of["targets"], init_lora_weights=False, **lora)
    )
    for parameter_name, parameter in adapted.named_parameters():
        if "lora_" in parameter_name:
            parameter.data = parameter.data.to(dtype)
    base, peft, out = folder / "base", folder / "peft", folder / "out.gguf"
    config.architectures = [type(model).__name__]
    config.save_pretrained(base)
    adapted.save_pretrained(peft, save_embedding_layers=False)
    # in this process: what it imports takes most of the time
    sys.argv = ["", str(peft), "--base", str(base), "--outfile", str(out), "--outtype", "f32"]
    with contextlib.redirect_stdout(sys.stderr):
        runpy.run_path(str(llama / "convert_lora_to_gguf.py"), run_name="__main__")
    reader = gguf.GGUFReader(out)
    tensors = {
        tensor.name: {
            "shape": [int(n) for n in tensor.shape],
            "sha256": hashlib.sha256(tensor.data.astype("float32").tobytes()).hexdigest(),
        }
        for tensor in reader.tensors
    }
    return {
        "name": name,
        "architecture": of["architecture"],
        "headCount": COMMON["num_attention_heads"],
        "kvHeadCount": COMMON["num_key_value_heads"],
        "config": json.loads((peft / "adapter_config.json").read_text()),
        "weights": base64.b64encode((peft / "adapter_model.safetensors").read_bytes()).decode(),
        "alpha": float(reader.fields["adapter.lora.alpha"].parts[-1][0]),
        "tensors": tensors,
    }


def main():
    fixtures = []
    for name, of in FAMILIES.items():
        with tempfile.TemporaryDirectory() as folder:
            fixtures.append(make(name, of, pathlib.Path(folder)))
    json.dump(fixtures, sys.stdout, indent=1)
    print()


main()
