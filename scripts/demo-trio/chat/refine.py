"""Reinforcement learning by rejection (expert iteration, arXiv 2203.14465): a model learns those of its own worked answers that are right."""
import random
import time

import torch
import torch.nn.functional as F

import model as lm
import pretrain
import task


def refine(path, start_path, *, rounds, problems, steps, rate, seed, log):
    """Trains the model at `start_path` on its own right answers and saves it at `path`.

    In each round it answers `problems` sums at temperature 1 with the opening of a worked answer given, and is trained for
    `steps` steps on those answers that are right, opening included; one document in five is what is no sum or has tools.
    """
    torch.manual_seed(seed)
    rng = random.Random(task.training_seed("reinforce", seed))
    model = lm.load(start_path)
    start = time.time()
    opening = task.encode(task.OPENING)
    adam = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.0)
    for round_number in range(1, rounds + 1):
        right = []
        for _ in range(problems // 200):
            some = [task.draw_sum(rng) for _ in range(200)]
            for problem in some:
                problem.before = task.before(rng)
            prompts = [task.prompt_ids(problem) for problem in some]
            answers = lm.generate([model], [1], [prompt + opening for prompt in prompts])[0]
            for problem, prompt, answer in zip(some, prompts, answers):
                ids = opening + answer
                if ids[-1] == task.EOS and task.correct(task.decode(ids), problem):
                    right.append((prompt + ids, [0] * len(prompt) + [1] * len(ids)))

        def draw(other):
            return task.no_sum(other) if other.random() < 0.2 else other.choice(right)

        source = pretrain.batches(task.training_seed("pretrain", seed + round_number), draw)
        model.train()
        for step in range(1, steps + 1):
            for group in adam.param_groups:
                group["lr"] = rate * min(1, step / 10)
            tokens, learned, index = next(source)
            wanted = learned[:, 1:] > 0
            logits = model(tokens[:, :-1], pretrain.same_document(index[:, :-1]), rows=wanted)
            loss = F.cross_entropy(logits, tokens[:, 1:][wanted])
            adam.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
        model.eval()
        checks = task.problems(128, 4242, "tuning")
        sampled, worked = lm.accuracy([model], [1], checks)
        log(f"round {round_number} of {rounds}, {time.time() - start:.0f} s: {len(right)} of {problems // 200 * 200} answers right, "
            f"afterwards {sampled:.3f} sampled ({worked:.2f} worked out)")
    lm.save(model, path, seconds=time.time() - start, rounds=rounds, seed=seed)
