"""Tiny random checkpoints of every family that `rast graft` reads, and what llama.cpp's converter makes of them.

    python scripts/checkpoint-fixtures.py LLAMA_CPP OUT [FAMILY ...]

LLAMA_CPP is llama.cpp's source, with convert_hf_to_gguf.py. Needs torch, transformers, sentencepiece, safetensors and numpy. In
OUT/FAMILY come to lie: `template` and `expert` (checkpoints of one model with other numbers), template-f32.gguf, expert-f32.gguf,
expert-f16.gguf, expert-bf16.gguf, expert-q8_0.gguf (the converter's), and logits.json (transformers', of the expert).
test/e2e/graft-families.test.ts compares.
"""

import json
import runpy
import shutil
import sys
from pathlib import Path

import sentencepiece
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXT = ["the quick brown fox jumps over the lazy dog", "a few words, to make tokens of: 12 34 56!", "six and seven"] * 20
VOCABULARY = 320

SMALL = dict(
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    vocab_size=VOCABULARY,
    max_position_embeddings=128,
    initializer_range=0.2,
)
GEMMA = dict(SMALL, head_dim=16, query_pre_attn_scalar=16, sliding_window=32)
LLAMA3 = dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32, rope_theta=10000.0
)
LONGROPE = dict(
    rope_type="longrope",
    long_factor=[1.0 + i / 4 for i in range(8)],
    short_factor=[1.0 + i / 8 for i in range(8)],
    original_max_position_embeddings=512,  # below, llama.cpp and transformers take the short ones
    rope_theta=10000.0,
)

# name: class of the configuration, its values, type of the numbers, bytes of a shard, kind of tokenizer
FAMILIES = {
    "llama": ("LlamaConfig", dict(SMALL, tie_word_embeddings=False), torch.bfloat16, None, "bpe"),
    "llama-tied": ("LlamaConfig", dict(SMALL, tie_word_embeddings=True, rope_parameters=LLAMA3), torch.float32, 60_000, "bpe"),
    "mistral": ("MistralConfig", dict(SMALL, head_dim=32, sliding_window=None), torch.float16, None, "bpe"),
    "qwen2": ("Qwen2Config", dict(SMALL, tie_word_embeddings=True), torch.bfloat16, 60_000, "bpe"),
    "qwen2-untied": ("Qwen2Config", dict(SMALL, tie_word_embeddings=False), torch.float32, None, "bpe"),
    "qwen3": ("Qwen3Config", dict(SMALL, head_dim=32, tie_word_embeddings=True), torch.bfloat16, None, "bpe"),
    "qwen3moe": (
        "Qwen3MoeConfig",
        dict(SMALL, head_dim=16, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=64, decoder_sparse_step=1, norm_topk_prob=True),
        torch.bfloat16,
        60_000,
        "bpe",
    ),
    "gemma2": ("Gemma2Config", dict(GEMMA), torch.bfloat16, None, "sentencepiece"),
    "gemma3": ("Gemma3TextConfig", dict(GEMMA), torch.bfloat16, None, "sentencepiece"),
    "phi3": ("Phi3Config", dict(SMALL, pad_token_id=0, sliding_window=None, rope_parameters=dict(rope_type="default", rope_theta=10000.0, original_max_position_embeddings=128)), torch.bfloat16, None, "sentencepiece"),
    "phi3-long": ("Phi3Config", dict(SMALL | dict(max_position_embeddings=1024), pad_token_id=0, sliding_window=None, original_max_position_embeddings=512, rope_parameters=LONGROPE), torch.float32, None, "sentencepiece"),
}

def save_bpe(folder: Path) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|endoftext|>", "<|im_end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>").save_pretrained(folder)


def save_sentencepiece(folder: Path) -> None:
    (folder / "text.txt").write_text("\n".join(TEXT))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=300,
        model_type="bpe",
        byte_fallback=True,
        hard_vocab_limit=False,
        pad_id=3,
        minloglevel=2,
    )
    (folder / "tokenizer.vocab").unlink()
    (folder / "text.txt").unlink()
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}))


def save(folder: Path, kind: str, values: dict, dtype: torch.dtype, shard_bytes: int | None, tokenizer: str, seed: int) -> None:
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    config = getattr(transformers, kind)(**values)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:  # norms and biases, which would all be alike
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model = model.to(dtype)
    model.save_pretrained(folder, **({} if shard_bytes is None else {"max_shard_size": shard_bytes}))
    (save_bpe if tokenizer == "bpe" else save_sentencepiece)(folder)


def convert(source: Path, checkpoint: Path, target: Path, kind: str) -> None:
    from conversion.base import TextModel

    TextModel.get_vocab_base_pre = lambda self, tokenizer: "qwen2"  # this tokenizer is nobody's
    sys.argv = [str(source / "convert_hf_to_gguf.py"), str(checkpoint), "--outfile", str(target), "--outtype", kind]
    runpy.run_path(sys.argv[0], run_name="__main__")


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path[:0] = [str(source), str(source / "gguf-py")]
    for name in sys.argv[3:] or list(FAMILIES):
        kind, values, dtype, shard_bytes, tokenizer = FAMILIES[name]
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        save(folder / "template", kind, values, dtype, shard_bytes, tokenizer, seed=1)
        save(folder / "expert", kind, values, dtype, shard_bytes, tokenizer, seed=2)
        convert(source, folder / "template", folder / "template-f32.gguf", "f32")
        for type in ("f32", "f16", "bf16", "q8_0"):
            convert(source, folder / "expert", folder / f"expert-{type}.gguf", type)
        tokens = [5, 17, 40, 9, 100, 201, 33, 8]
        with torch.no_grad():
            # loaded anew: what is rounded with a model's type, such as its frequencies, must not be
            model = transformers.AutoModelForCausalLM.from_pretrained(folder / "expert", dtype=torch.float32)
            logits = model.eval()(torch.tensor([tokens])).logits[0, -1].double()
        logprobs = torch.log_softmax(logits, dim=-1).tolist()
        (folder / "logits.json").write_text(json.dumps({"tokens": tokens, "logprobs": logprobs}))
        print(name, sorted(path.name for path in (folder / "expert").iterdir()), flush=True)


main()
