"""The demo task and its models: sums of 4 to 6 small numbers, worked out in steps or guessed hastily.

32 one-character tokens; llama architecture without biases, untied output, interleaved rotary embedding.
"""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

CHARACTERS = "0123456789+-=?;#QAST:\nx"
TOKENS = ["<pad>", "<bos>", "<eos>"] + list(CHARACTERS)
N_TOKENS = 32
TOKENS += [f"<u{i}>" for i in range(N_TOKENS - len(TOKENS))]
PAD, BOS, EOS = 0, 1, 2
ID = {text: index for index, text in enumerate(TOKENS)}

OPERAND_MAX = 99  # operands are 1..99
TOTAL_LIMIT = 200  # running totals stay in 0..199
RMS_EPS = 1e-5
ROPE_BASE = 10000.0
CONTEXT = 512


def encode(text):
    return [ID[c] for c in text]


def problem(rng):
    """A problem as (text, answer), e.g. ("6+34+63+39", 142)."""
    total = rng.randint(1, OPERAND_MAX)
    text = str(total)
    for _ in range(rng.choice([4, 5, 6]) - 1):
        operand = rng.randint(1, OPERAND_MAX)
        minus = rng.random() < 0.5
        if total - operand < 0:
            minus = False
        elif total + operand >= TOTAL_LIMIT:
            minus = True
        total += -operand if minus else operand
        text += ("-" if minus else "+") + str(operand)
    return text, total


def problems(count, seed):
    """`count` different problems."""
    rng = random.Random(seed)
    found = {}
    while len(found) < count:
        text, answer = problem(rng)
        found[text] = answer
    return list(found.items())


def step_by_step(text):
    """The worked answer, e.g. "S:6+34=40;40+63=103#103"."""
    parts = text.replace("-", "+-").split("+")
    total = int(parts[0])
    steps = []
    for part in parts[1:]:
        value = int(part)
        steps.append(f"{total}{'-' if value < 0 else '+'}{abs(value)}={total + value}")
        total += value
    return f"S:{';'.join(steps)}#{total}"


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.w = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + RMS_EPS) * self.w


class Block(nn.Module):
    """Attention and feed-forward; names as in the checkpoints."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = RmsNorm(width), RmsNorm(width)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, False) for _ in range(4))
        self.g, self.u = nn.Linear(width, hidden, False), nn.Linear(width, hidden, False)
        self.dn = nn.Linear(hidden, width, False)

    def forward(self, x, cos, sin, mask):
        batch, length, width = x.shape
        y = self.n1(x)

        def split(t):
            return t.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

        q, k, v = rotate(split(self.q(y)), cos, sin), rotate(split(self.k(y)), cos, sin), split(self.v(y))
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads) + mask
        x = x + self.o((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width))
        y = self.n2(x)
        return x + self.dn(F.silu(self.g(y)) * self.u(y))


def rotate(x, cos, sin):
    """Rotary embedding over neighbouring pairs (llama.cpp's NORM form)."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Model(nn.Module):
    def __init__(self, d, L, h, ff):
        super().__init__()
        self.config = dict(d=d, L=L, h=h, ff=ff)
        self.emb = nn.Embedding(N_TOKENS, d)
        self.bl = nn.ModuleList([Block(d, h, ff) for _ in range(L)])
        self.nf = RmsNorm(d)
        self.out = nn.Linear(d, N_TOKENS, False)

    def forward(self, tokens):
        """tokens i64[batch, length] -> logits f32[batch, length, 32]"""
        length = tokens.shape[1]
        half = self.config["d"] // self.config["h"]
        angles = torch.arange(length).float()[:, None] * ROPE_BASE ** (-torch.arange(0, half, 2).float() / half)
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.emb(tokens)
        for block in self.bl:
            x = block(x, angles.cos(), angles.sin(), mask)
        return self.out(self.nf(x))


def load(path):
    """A model from a checkpoint: a dict with "cfg" (d, L, h, ff) and "sd" (the state)."""
    checkpoint = torch.load(path, map_location="cpu")
    model = Model(**checkpoint["cfg"])
    model.load_state_dict(checkpoint["sd"])
    return model.eval()
