"""Reinforcement learning with a verifiable reward: on-policy GRPO (arXiv 2402.03300), without a penalty on distance."""
import random
import time

import torch

import model as lm
import task

GROUP = 8


def reinforce(path, start_path, *, prompts, rate, steps, seed, log):
    """Trains the model at `start_path` on the reward alone and saves it at `path`."""
    torch.manual_seed(seed)
    rng = random.Random(task.training_seed("reinforce", seed))
    model = lm.load(start_path)
    adam = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.0)
    start = time.time()
    recent = []
    for step in range(1, steps + 1):
        problems = [problem for _ in range(prompts) for problem in [task.draw_problem(rng)] * GROUP]
        completions, tokens, real, begin = lm.generate([model], [1], [task.prompt_ids(p) for p in problems])
        reward = torch.tensor(lm.rewards(completions, problems)).view(-1, GROUP)
        recent.append(reward.mean().item())
        advantage = ((reward - reward.mean(1, keepdim=True)) / (reward.std(1, keepdim=True) + 1e-4)).view(-1)
        useful = (advantage.abs() > 1e-6).nonzero()[:, 0]  # groups that all succeed or all fail teach nothing
        if len(useful) > 0:
            tokens, real, advantage = tokens[useful], real[useful], advantage[useful]
            length = tokens.shape[1] - 1
            causal = torch.ones(length, length, dtype=torch.bool).tril()
            mask = torch.where(real[:, None, :-1] & causal, 0.0, lm.BLOCKED)[:, None]
            logprobs = model(tokens[:, :-1], mask).log_softmax(-1)
            chosen = logprobs.gather(-1, tokens[:, 1:, None])[..., 0][:, begin - 1:]
            counted = real[:, begin:].float()
            loss = -(advantage[:, None] * chosen * counted).sum() / counted.sum()
            adam.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in adam.param_groups:
                group["lr"] = rate * min(1, step / 10)
            adam.step()
        if step % 10 == 0 or step == steps:
            log(f"step {step} of {steps}, {time.time() - start:.0f} s: reward {sum(recent) / len(recent):.3f}, "
                f"{len(useful)} of {len(problems)} answers in use")
            recent = []
    lm.save(model, path, seconds=time.time() - start, steps=steps, seed=seed)
