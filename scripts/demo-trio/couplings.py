"""How often expert and ensemble draw the same token, by the way a random number becomes one: python3 couplings.py CHECKPOINTS

Along texts that the ensemble draws at temperature 1. Every way is exact; they differ in how far shared noise helps:
  sorted   inverse of the cumulative distribution, likeliest token first (what the sampler does)
  id       the same, in order of ids
  gumbel   largest of log-probability plus Gumbel noise shared by token (2,000 draws a position)
  optimum  sum of min(p, q): what rejection sampling reaches
"""
import argparse
import pathlib

import torch

import model as lm
import task


def nucleus(p, top_p):
    """Kept probabilities in descending order, their ids, and the same by id."""
    ordered, ids = torch.sort(p, dim=-1, descending=True, stable=True)
    ordered = torch.where(ordered.cumsum(-1) - ordered < top_p, ordered, torch.zeros_like(ordered))
    ordered = ordered / ordered.sum(-1, keepdim=True)
    return ordered, ids, torch.zeros_like(p).scatter(-1, ids, ordered)


def same_interval(p, p_ids, q, q_ids):
    """Measure of the numbers in [0, 1) that fall into the same token's interval."""
    def ends(mass, ids):
        high = mass.cumsum(-1)
        return torch.zeros_like(mass).scatter(-1, ids, high - mass), torch.zeros_like(mass).scatter(-1, ids, high)

    (p_low, p_high), (q_low, q_high) = ends(p, p_ids), ends(q, q_ids)
    return (torch.minimum(p_high, q_high) - torch.maximum(p_low, q_low)).clamp(min=0).sum(-1)


def same_gumbel(p, q, draws=2000):
    noise = -torch.log(-torch.log(torch.rand(draws, 1, p.shape[-1], dtype=p.dtype).clamp(min=1e-300)))
    p, q = p.clamp(min=1e-300).log(), q.clamp(min=1e-300).log()
    return ((p + noise).argmax(-1) == (q + noise).argmax(-1)).to(p.dtype).mean(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("--problems", type=int, default=100)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    problems = task.problems(arguments.problems, 5, "tuning")
    base = lm.load(arguments.checkpoints / "base.pt")
    for pair in ("weak", "strong"):
        expert = lm.load(arguments.checkpoints / f"{pair}-expert.pt")
        antiexpert = lm.load(arguments.checkpoints / f"{pair}-antiexpert.pt")
        for top_p in (1.0, 0.95):
            shares = {name: [] for name in ("sorted", "id", "gumbel", "optimum")}

            def collect(logits, fused, live):
                p, p_ids, p_by_id = nucleus(fused[live].double().softmax(-1), top_p)
                q, q_ids, q_by_id = nucleus(logits[1][live].double().softmax(-1), top_p)
                by_id = torch.arange(p.shape[-1]).expand_as(p)
                shares["sorted"].append(same_interval(p, p_ids, q, q_ids))
                shares["id"].append(same_interval(p_by_id, by_id, q_by_id, by_id))
                shares["gumbel"].append(same_gumbel(p_by_id, q_by_id))
                shares["optimum"].append(torch.minimum(p_by_id, q_by_id).sum(-1))

            prompts = [task.prompt_ids(problem) for problem in problems]
            lm.generate([base, expert, antiexpert], [1, 1, -1], prompts, collect=collect)
            means = {name: torch.cat(parts).mean().item() for name, parts in shares.items()}
            count = torch.cat(shares["sorted"]).numel()
            print(f"{pair}, top-p {top_p}, {count} positions: "
                  + ", ".join(f"{name} {value:.4f}" for name, value in means.items()))


if __name__ == "__main__":
    main()
