"""Prints the sum of every problem that any stage of the training saw, each once. Standard library only.

python3 training_problems.py [SHARE]: with a share, only what each stage saw in that first part of its steps.
"""
import random
import sys

import task
from stages import STAGES

TOKENS_PER_STEP = task.ROWS * task.ROW_LENGTH


def sums_of(stage, share):
    steps = round(stage["steps"] * share)
    rng = random.Random(task.training_seed(stage["kind"], stage["seed"]))
    if stage["kind"] == "reinforce":
        for _ in range(steps * stage["prompts"]):
            yield task.draw_problem(rng).sum
        return
    seen = []
    draw = task.draw_problem
    task.draw_problem = lambda *arguments: seen.append(draw(*arguments)) or seen[-1]
    try:
        tokens = 0
        while tokens < steps * TOKENS_PER_STEP:  # rows end early, so training saw a little less
            tokens += len(task.document(rng)[0])
    finally:
        task.draw_problem = draw
    for problem in seen:
        yield problem.sum


def main():
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1
    sums = set()
    for stage in STAGES.values():
        sums.update(sums_of(stage, share))
    print("\n".join(sorted(sums)))


if __name__ == "__main__":
    main()
