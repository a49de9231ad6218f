"""Pretraining: next tokens of documents (task.document), only what is marked as learned counts."""
import random
import time

import numpy as np
import torch
import torch.nn.functional as F

import model as lm
import task

LENGTH, ROWS = task.ROW_LENGTH, task.ROWS


def batches(seed, draw):
    """Endless (tokens, learned, document index), each [ROWS, LENGTH], of documents that `draw` makes."""
    rng = random.Random(seed)
    left_over = None
    while True:
        tokens = np.zeros((ROWS, LENGTH), np.int64)
        learned = np.zeros((ROWS, LENGTH), np.float32)
        index = np.full((ROWS, LENGTH), -1, np.int64)
        for row in range(ROWS):
            at = count = 0
            while True:
                ids, marks = left_over or draw(rng)
                left_over = None
                if at + len(ids) > LENGTH:
                    left_over = (ids, marks)
                    break
                tokens[row, at:at + len(ids)] = ids
                learned[row, at:at + len(ids)] = marks
                index[row, at:at + len(ids)] = count
                at, count = at + len(ids), count + 1
        yield torch.from_numpy(tokens), torch.from_numpy(learned), torch.from_numpy(index)


class Muon:
    """Momentum whose update is orthogonalised (https://kellerjordan.github.io/posts/muon/), for matrices in blocks."""

    def __init__(self, weights):
        self.weights = weights
        self.momenta = [torch.zeros_like(weight) for weight in weights]

    @torch.no_grad()
    def step(self, rate):
        for weight, momentum in zip(self.weights, self.momenta):
            momentum.mul_(0.95).add_(weight.grad)
            update = weight.grad + 0.95 * momentum
            tall = update.shape[0] > update.shape[1]
            update = update.T if tall else update
            update = update / (update.norm() + 1e-7)
            for _ in range(5):  # Newton-Schulz
                gram = update @ update.T
                update = 3.4445 * update + (-4.7750 * gram + 2.0315 * gram @ gram) @ update
            update = update.T if tall else update
            scale = max(1, weight.shape[0] / weight.shape[1]) ** 0.5
            weight.mul_(1 - rate * 0.05).add_(update, alpha=-rate * scale)


def same_document(index):
    length = index.shape[1]
    seen = (index[:, :, None] == index[:, None, :]) & torch.ones(length, length, dtype=torch.bool).tril()
    return torch.where(seen, 0.0, lm.BLOCKED)[:, None]


def pretrain(path, start_path=None, *, size, steps, rate, muon_rate, seed, log, documents="document"):
    """Trains a model from scratch, or on from another, and saves it at `path`. The rate falls over the last 40% of the steps.

    documents: the function of task.py that makes them.
    """
    torch.manual_seed(seed)
    model = lm.Model(*size) if start_path is None else lm.load(start_path).train()
    matrices = [weight for name, weight in model.named_parameters() if weight.dim() == 2 and name.startswith("bl")]
    inner = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in inner]
    muon = Muon(matrices)
    adam = torch.optim.AdamW([
        {"params": [weight for weight in others if weight.dim() > 1], "weight_decay": 0.05},
        {"params": [weight for weight in others if weight.dim() < 2], "weight_decay": 0.0},
    ], betas=(0.9, 0.98))
    checks = task.problems(128, 4242, "tuning")
    source = batches(task.training_seed("pretrain", seed), getattr(task, documents))
    start = time.time()
    for step in range(1, steps + 1):
        factor = min(1, step / 100) * max(0.02, min(1, (1 - step / steps) / 0.4))
        for group in adam.param_groups:
            group["lr"] = rate * factor
        tokens, learned, index = next(source)
        wanted = learned[:, 1:] > 0
        logits = model(tokens[:, :-1], same_document(index[:, :-1]), rows=wanted)
        loss = F.cross_entropy(logits, tokens[:, 1:][wanted])
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        muon.step(muon_rate * factor)
        if step % 200 == 0 or step == steps:
            sampled, worked = lm.accuracy([model], [1], checks)
            forced, _ = lm.accuracy([model], [1], checks, greedy=True, opening=task.OPENING)
            log(f"step {step} of {steps}, {time.time() - start:.0f} s: loss {loss.item():.4f}, sampled {sampled:.3f} "
                f"({worked:.2f} worked out), made to work it out, greedy {forced:.3f}")
    lm.save(model, path, seconds=time.time() - start, steps=steps, tokens=steps * ROWS * LENGTH, seed=seed)
