"""PyTorch's logits against llama.cpp's, at every position of worked held-out problems: python3 check_logits.py CHECKPOINTS

Each checkpoint is written in F32, which must agree within TOLERANCE (else the exit code is 1), and in Q8_0, whose
differences are printed. The tokens are those of llama.cpp's tokenizer, compared with ours.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

import export
import model as lm
import task

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-3  # of a logit; both sides compute in 32-bit float, in another order


def compile_reader(folder, include, libraries):
    program = folder / "llama_logits"
    source = pathlib.Path(__file__).with_name("llama_logits.cpp")
    names = [next(libraries.glob(pattern)) for pattern in ("libllama.v*.so", "libggml.v*.so", "libggml-base.so")]
    subprocess.run(["g++", "-O2", "-std=c++17", f"-I{include}", source, *names, f"-Wl,-rpath,{libraries}", "-o", program],
                   check=True)
    return program


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "native/llama/include")
    parser.add_argument("--libraries", type=pathlib.Path,
                        default=ROOT / "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
    arguments = parser.parse_args()
    problems = task.problems(export.HELD_OUT_COUNT, export.HELD_OUT_SEED, "held-out")[:arguments.problems]
    texts = [task.prompt_text(one) + task.step_by_step(one) for one in problems]
    sequences = [[task.BOS] + task.encode(text) for text in texts]
    failed = False
    libraries = arguments.libraries.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        program = compile_reader(folder, arguments.include, libraries)
        for name in export.MODELS:
            checkpoint = arguments.checkpoints / f"{name}.pt"
            model = lm.load(checkpoint)
            with torch.no_grad():
                ours = np.concatenate([model(torch.tensor([tokens]))[0].numpy() for tokens in sequences])
            for quantize in (False, True):
                path = folder / "model.gguf"
                export.write_model(checkpoint, path, name, quantize)
                output = subprocess.run([program, path, libraries], input="\0".join(texts).encode(),
                                        stdout=subprocess.PIPE, check=True).stdout
                rows = np.frombuffer(output, np.dtype([("token", "<i4"), ("logits", "<f4", task.N_TOKENS)]))
                same_tokens = rows["token"].tolist() == [token for tokens in sequences for token in tokens]
                difference = np.abs(ours - rows["logits"]).max() if same_tokens else np.inf
                agreement = (ours.argmax(-1) == rows["logits"].argmax(-1)).mean() if same_tokens else 0
                failed = failed or not same_tokens or (not quantize and not difference <= TOLERANCE)
                print(f"{name} in {'Q8_0' if quantize else 'F32'}: {len(ours)} positions, "
                      f"{'the same tokens' if same_tokens else 'OTHER TOKENS'}, largest difference {difference:.2e}, "
                      f"same largest logit at {agreement:.2%}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
