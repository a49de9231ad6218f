"""PyTorch's logits against llama.cpp's on the exported files, at every position of worked held-out problems.

python3 check_logits.py CHECKPOINTS MODELS; exit code 1 beyond the tolerance.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

import export
import model as task

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
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "native/llama/include")
    parser.add_argument("--libraries", type=pathlib.Path,
                        default=ROOT / "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
    arguments = parser.parse_args()
    sequences = [[task.BOS] + task.encode(f"Q:{text}=?\n{task.step_by_step(text)}") + [task.EOS]
                 for text, _ in task.problems(arguments.problems, export.HELD_OUT_SEED)]
    lines = "".join(" ".join(map(str, tokens)) + "\n" for tokens in sequences)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        program = compile_reader(pathlib.Path(folder), arguments.include, arguments.libraries.resolve())
        for name, checkpoint in export.ROLES.items():
            output = subprocess.run([program, arguments.models / f"{name}.gguf", arguments.libraries.resolve()],
                                    input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
            theirs = np.frombuffer(output, np.float32).reshape(-1, task.N_TOKENS)
            model = task.load(arguments.checkpoints / f"{checkpoint}.pt")
            with torch.no_grad():
                ours = np.concatenate([model(torch.tensor([tokens]))[0].numpy() for tokens in sequences])
            difference = np.abs(ours - theirs).max()
            agreement = (ours.argmax(-1) == theirs.argmax(-1)).mean()
            failed = failed or not difference <= TOLERANCE
            print(f"{name}: {len(ours)} positions, largest difference {difference:.2e}, same argmax {agreement:.4%}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
