"""Prints the sum of every problem that any stage of the training saw, each once. Standard library only."""
import random

import task
from stages import STAGES

TOKENS_PER_STEP = 6 * 160  # of pretrain.py: ROWS and LENGTH


def sums_of(stage):
    rng = random.Random(task.training_seed(stage["kind"], stage["seed"]))
    if stage["kind"] == "reinforce":
        for _ in range(stage["steps"] * stage["prompts"]):
            yield task.draw_problem(rng).sum
        return
    seen = []
    draw = task.draw_problem
    task.draw_problem = lambda *arguments: seen.append(draw(*arguments)) or seen[-1]
    try:
        tokens = 0
        while tokens < stage["steps"] * TOKENS_PER_STEP:  # rows end early, so training saw a little less
            tokens += len(task.document(rng)[0])
    finally:
        task.draw_problem = draw
    for problem in seen:
        yield problem.sum


def main():
    sums = set()
    for stage in STAGES.values():
        sums.update(sums_of(stage))
    print("\n".join(sorted(sums)))


if __name__ == "__main__":
    main()
