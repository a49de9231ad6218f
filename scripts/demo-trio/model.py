"""The models in PyTorch: llama architecture without biases, untied output, interleaved rotary embedding."""
import math
import os
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

import task

RMS_EPS = 1e-5
ROPE_BASE = 10000.0
BLOCKED = -1e9


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.w = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + RMS_EPS) * self.w


def rotate(x, cos, sin):
    """Rotary embedding over neighbouring pairs (llama.cpp's NORM form)."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = RmsNorm(width), RmsNorm(width)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, False) for _ in range(4))
        self.g, self.u = nn.Linear(width, hidden, False), nn.Linear(width, hidden, False)
        self.dn = nn.Linear(hidden, width, False)

    def forward(self, x, cos, sin, mask, cache, past):
        batch, length, width = x.shape
        y = self.n1(x)

        def split(t):
            return t.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

        q, k, v = rotate(split(self.q(y)), cos, sin), rotate(split(self.k(y)), cos, sin), split(self.v(y))
        if cache is not None:
            cache[0][:, :, past:past + length], cache[1][:, :, past:past + length] = k, v
            k, v = cache[0][:, :, :past + length], cache[1][:, :, :past + length]
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads) + mask
        x = x + self.o((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width))
        y = self.n2(x)
        return x + self.dn(F.silu(self.g(y)) * self.u(y))


class Model(nn.Module):
    def __init__(self, width, layers, heads, hidden):
        super().__init__()
        self.config = {"width": width, "layers": layers, "heads": heads, "hidden": hidden}
        self.emb = nn.Embedding(task.N_TOKENS, width)
        self.bl = nn.ModuleList([Block(width, heads, hidden) for _ in range(layers)])
        self.nf = RmsNorm(width)
        self.out = nn.Linear(width, task.N_TOKENS, False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                into_stream = ".o." in name or ".dn." in name
                inner = (0.5 if into_stream else 1.0) / math.sqrt(weight.shape[1])
                nn.init.normal_(weight, 0, 0.02 if name.startswith(("emb", "out")) else inner)
        size = width // heads
        angles = torch.arange(task.CONTEXT).float()[:, None] * ROPE_BASE ** (-torch.arange(0, size, 2).float() / size)
        self.register_buffer("cos", angles.cos(), False)
        self.register_buffer("sin", angles.sin(), False)

    def forward(self, tokens, mask=None, caches=None, past=0, rows=None):
        """tokens i64[batch, length] -> logits f32[batch, length, N_TOKENS]; mask is added to attention scores.

        With rows bool[batch, length], those alone: f32[count, N_TOKENS].
        """
        length = tokens.shape[1]
        if mask is None:
            mask = torch.full((length, length), BLOCKED).triu(1)
        x = self.emb(tokens)
        cos, sin = self.cos[past:past + length], self.sin[past:past + length]
        for index, block in enumerate(self.bl):
            x = block(x, cos, sin, mask, None if caches is None else caches[index], past)
        return self.out(self.nf(x if rows is None else x[rows]))

    def new_caches(self, batch, length):
        shape = (batch, self.config["heads"], length, self.config["width"] // self.config["heads"])
        return [(torch.zeros(shape), torch.zeros(shape)) for _ in self.bl]


def save(model, path, **more):
    part = pathlib.Path(f"{path}.part")
    torch.save({"config": model.config, "state": model.state_dict(), **more}, part)
    os.replace(part, path)


def load(path):
    checkpoint = torch.load(path, map_location="cpu")
    model = Model(**checkpoint["config"])
    model.load_state_dict(checkpoint["state"])
    return model.eval()


def left_padded(prompts):
    """Prompts of unequal length, ending together: tokens and which of them are real."""
    length = max(map(len, prompts))
    tokens = torch.zeros(len(prompts), length, dtype=torch.long)
    real = torch.zeros(len(prompts), length, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        tokens[row, length - len(prompt):] = torch.tensor(prompt)
        real[row, length - len(prompt):] = True
    return tokens, real


@torch.no_grad()
def generate(models, weights, prompts, greedy=False, max_new=task.MAX_NEW, collect=None):
    """Completions drawn at temperature 1 from the weighted sum of the models' logits.

    `collect`, if given, sees the models' logits, the fused ones and which rows are live, at every position.
    Returns completions (ids, the end of text included), all tokens, which are real, and where completions start.
    Padding shifts positions; rotary attention sees differences only.
    """
    prompt, prompt_real = left_padded(prompts)
    batch, start = prompt.shape
    total = start + max_new
    tokens = torch.zeros(batch, total, dtype=torch.long)
    tokens[:, :start] = prompt
    real = torch.ones(batch, total, dtype=torch.bool)
    real[:, :start] = prompt_real
    caches = [model.new_caches(batch, total) for model in models]
    causal = torch.ones(start, start, dtype=torch.bool).tril()
    mask = torch.where(prompt_real[:, None, :] & causal, 0.0, BLOCKED)[:, None]
    logits = [model(prompt, mask, cache)[:, -1] for model, cache in zip(models, caches)]
    done = torch.zeros(batch, dtype=torch.bool)
    for at in range(start, total):
        fused = sum(weight * row for weight, row in zip(weights, logits))
        if collect is not None and not done.all():
            collect(logits, fused, ~done)
        drawn = fused.argmax(-1) if greedy else torch.multinomial(fused.softmax(-1), 1)[:, 0]
        drawn = torch.where(done, torch.full_like(drawn, task.PAD), drawn)
        tokens[:, at] = drawn
        real[:, at] = ~done
        done |= drawn == task.EOS
        end = at + 1
        if done.all() or end == total:
            break
        mask = torch.where(real[:, :end], 0.0, BLOCKED)[:, None, None]
        logits = [model(drawn[:, None], mask, cache, at)[:, -1] for model, cache in zip(models, caches)]
    completions = [row[start:end][keep[start:end]].tolist() for row, keep in zip(tokens, real)]
    return completions, tokens[:, :end], real[:, :end], start


def rewards(completions, problems):
    """1 for the right answer at the end of the text, else 0."""
    return [float(ids[-1] == task.EOS and task.correct(task.decode(ids), problem))
            for ids, problem in zip(completions, problems)]


def accuracy(models, weights, problems, greedy=False, opening=""):
    """Share of right answers; `opening` is put in the models' mouth. Also the share of worked answers."""
    right, worked = 0.0, 0
    for at in range(0, len(problems), 256):
        some = problems[at:at + 256]
        forced = task.encode(opening)
        completions = generate(models, weights, [task.prompt_ids(p) + forced for p in some], greedy)[0]
        completions = [forced + ids for ids in completions]
        right += sum(rewards(completions, some))
        worked += sum(map(task.worked_out, completions))
    return right / len(problems), worked / len(problems)
