"""The tokenizer of the chat models: the first merges of Qwen2's byte-level BPE, and the special tokens of Qwen3.

python3 vocabulary.py makes vocabulary.json anew, out of llama.cpp's source bundle in node_modules (needs git).
"""
import functools
import json
import pathlib
import struct
import subprocess
import tempfile

import regex

FOLDER = pathlib.Path(__file__).resolve().parent
FILE = FOLDER / "vocabulary.json"
BUNDLE = FOLDER.parents[2] / "node_modules/node-llama-cpp/llama/gitRelease.bundle"
SOURCE = "models/ggml-vocab-qwen2.gguf"
TEMPLATE = "models/templates/Qwen-Qwen3-0.6B.jinja"

CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# Not control tokens in Qwen3 either: they are shown.
ADDED = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
N_TOKENS = 2048
N_BYTES = 256
N_ORDINARY = N_TOKENS - len(CONTROLS) - len(ADDED)

# llama.cpp's "qwen2"
_PIECE = regex.compile(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                       r"|\s*[\r\n]+|\s+(?!\S)|\s+")
_SPECIAL = regex.compile("(" + "|".join(map(regex.escape, CONTROLS + ADDED)) + ")")


def byte_symbols():
    """The character that stands for each byte, as GPT-2 has it."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in shown]
    return {**{byte: chr(byte) for byte in shown}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


class Tokenizer:
    """tokens: texts in byte symbols, by id, special tokens last; merges: "a b", the first that is made first."""

    def __init__(self, tokens, merges):
        self.tokens = tokens
        self.merges = merges
        self.id = {text: index for index, text in enumerate(tokens)}
        self._rank = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        self._symbols = byte_symbols()
        self._bytes = {symbol: byte for byte, symbol in self._symbols.items()}
        self._word = functools.lru_cache(maxsize=None)(self._encode_word)

    def encode(self, text):
        """Ids of a text; special tokens in it are read as such."""
        ids = []
        for part in _SPECIAL.split(text):
            if part in self.id and part in CONTROLS + ADDED:
                ids.append(self.id[part])
            else:
                for word in _PIECE.findall(part):
                    ids.extend(self._word(word))
        return ids

    def _encode_word(self, word):
        parts = [self._symbols[byte] for byte in word.encode()]
        while len(parts) > 1:
            ranks = [self._rank.get(pair, len(self.merges)) for pair in zip(parts, parts[1:])]
            best = min(ranks)
            if best == len(self.merges):
                break
            at = ranks.index(best)
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return tuple(self.id[part] for part in parts)

    def decode(self, ids):
        data = b""
        for index in ids:
            text = self.tokens[index]
            data += text.encode() if index >= N_ORDINARY else bytes(self._bytes[symbol] for symbol in text)
        return data.decode(errors="replace")


def load():
    content = json.loads(FILE.read_text())
    return Tokenizer(content["tokens"], content["merges"])


def template():
    return json.loads(FILE.read_text())["template"]


def _metadata(data, wanted):
    """Some keys of a GGUF file, lists of strings."""
    at = 8

    def number(form, size):
        nonlocal at
        at += size
        return struct.unpack_from("<" + form, data, at - size)[0]

    def value(kind):
        nonlocal at
        if kind == 8:
            length = number("Q", 8)
            at += length
            return data[at - length:at].decode()
        if kind == 9:
            element, count = number("I", 4), number("Q", 8)
            return [value(element) for _ in range(count)]
        return number(*{4: ("I", 4), 5: ("i", 4), 6: ("f", 4), 7: ("?", 1)}[kind])

    number("Q", 8)
    found = {}
    for _ in range(number("Q", 8)):
        key = value(8)
        content = value(number("I", 4))
        if key in wanted:
            found[key] = content
    return found


def main():
    with tempfile.TemporaryDirectory() as name:
        git = ["git", "-C", name]
        subprocess.run(["git", "init", "-q", name], check=True)
        subprocess.run([*git, "fetch", "-q", "--depth=1", BUNDLE, "HEAD"], check=True)
        subprocess.run([*git, "checkout", "-q", "FETCH_HEAD", "--", SOURCE, TEMPLATE], check=True)
        source = _metadata((pathlib.Path(name) / SOURCE).read_bytes(), ["tokenizer.ggml.tokens", "tokenizer.ggml.merges"])
        chat_template = (pathlib.Path(name) / TEMPLATE).read_text()
    merges = source["tokenizer.ggml.merges"][:N_ORDINARY - N_BYTES]
    tokens = source["tokenizer.ggml.tokens"][:N_ORDINARY]
    assert tokens[N_BYTES:] == [merge.replace(" ", "") for merge in merges]
    content = {"tokens": tokens + CONTROLS + ADDED, "merges": merges, "template": chat_template}
    FILE.write_text(json.dumps(content, indent=0) + "\n")
    print(f"{FILE}: {len(content['tokens'])} tokens, {len(merges)} merges")


if __name__ == "__main__":
    main()
