"""The whole recipe: python3 train.py CHECKPOINTS [--only NAME ...]

Trains every model of STAGES, two at a time, each on one core; a stage whose checkpoint exists is passed over, so that
an interrupted run goes on where it was. Progress and times go to stderr and CHECKPOINTS/NAME.log.
"""
import argparse
import importlib
import os
import pathlib
import subprocess
import sys
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"

from stages import STAGES


def run_stage(folder, name):
    """In a process of its own: PyTorch's state is per process."""
    start = time.time()
    stage = dict(STAGES[name])
    kind, target = stage.pop("kind"), folder / f"{name}.pt"
    with open(folder / f"{name}.log", "w", encoding="utf-8") as file:

        def log(line):
            print(f"{name}: {line}", file=sys.stderr, flush=True)
            print(line, file=file, flush=True)

        start_name = stage.pop("start", None)
        begin = None if start_name is None else folder / f"{start_name}.pt"
        # "pretrain" of pretrain.py, and so on
        getattr(importlib.import_module(kind), kind)(target, begin, log=log, **stage)
        # the second figure is the processor's time: other programs do not lengthen it
        log(f"done: {time.time() - start:.0f} s, {time.process_time():.0f} s of one core")


def ready(folder, name, waiting, running):
    start = STAGES[name].get("start")
    return start is None or (start not in waiting and start not in running and (folder / f"{start}.pt").exists())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.checkpoints
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.stage:
        run_stage(folder, arguments.stage)
        return
    start = time.time()
    waiting = [name for name in arguments.only if not (folder / f"{name}.pt").exists()]
    running = {}
    failed = []
    while waiting or running:
        for name in [one for one in waiting if ready(folder, one, waiting, running)]:
            if len(running) < arguments.jobs and not failed:
                waiting.remove(name)
                command = [sys.executable, sys.argv[0], str(folder), "--stage", name]
                running[name] = subprocess.Popen(command)
        if not running:
            break
        time.sleep(0.5)
        for name, process in list(running.items()):
            if process.poll() is not None:
                del running[name]
                if process.returncode != 0:
                    failed.append(name)
    if failed or waiting:
        sys.exit(f"failed: {', '.join(failed) or 'none'}; not done: {', '.join(waiting) or 'none'}")
    print(f"all done in {time.time() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
