"""Language models for bench/weight-only.ts: python weight-only-models.py FOLDER [seconds of training each].

A Llama of four layers and a GPT-2 of its size (12 layers of 768), trained on characters of text made by a seeded
grammar, so that perplexity means something; exported as .pt2 with calibration and test tokens beside them.
"""

import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

FOLDER = Path(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 60
LENGTH = 128

torch.manual_seed(0)
rng = random.Random(0)

NAMES = "Ada Bob Cleo Dan Eve Finn Gus Hana Iris Jon".split()
VERBS = "finds sells paints carries wants drops keeps sees".split()
THINGS = "apples stones lamps boats coats drums keys plums".split()
PLACES = "at the river|in the old house|near the gate|under a tree|by the sea".split("|")


def sentence():
    a, b = rng.randint(2, 49), rng.randint(2, 49)
    return rng.choice(
        [
            f"{rng.choice(NAMES)} {rng.choice(VERBS)} {a} {rng.choice(THINGS)} {rng.choice(PLACES)}. ",
            f"{a} and {b} are {a + b}. ",
            f"If {rng.choice(NAMES)} {rng.choice(VERBS)} {rng.choice(THINGS)}, {rng.choice(NAMES)} waits. ",
        ]
    )


text = "".join(sentence() for _ in range(20000))
alphabet = sorted(set(text))
tokens = torch.tensor([alphabet.index(c) for c in text])
train, test = tokens[:-20000], tokens[-20000:]
VOCABULARY = len(alphabet)


class RMSNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class LlamaLayer(nn.Module):
    def __init__(self, size, heads, inner):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = RMSNorm(size), RMSNorm(size)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(size, size, bias=False) for _ in range(4))
        self.gate_proj, self.up_proj = (nn.Linear(size, inner, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(inner, size, bias=False)
        half = size // heads // 2
        angles = torch.outer(torch.arange(LENGTH), 10000.0 ** (-torch.arange(half) / half))
        self.register_buffer("cos", torch.cat([angles, angles], -1).cos())
        self.register_buffer("sin", torch.cat([angles, angles], -1).sin())

    def forward(self, x):
        batch, length, size = x.shape
        h = self.norm1(x)
        q, k, v = (
            p(h).view(batch, length, self.heads, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = rotate(q, self.cos, self.sin), rotate(k, self.cos, self.sin)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, length, size)
        x = x + self.o_proj(a)
        h = self.norm2(x)
        return x + self.down_proj(F.silu(self.gate_proj(h)) * self.up_proj(h))


class GPT2Layer(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.c_attn, self.c_proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.c_fc, self.c_proj2 = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)

    def forward(self, x):
        batch, length, size = x.shape
        q, k, v = (
            t.view(batch, length, self.heads, -1).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).chunk(3, -1)
        )
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, length, size)
        x = x + self.c_proj(a)
        return x + self.c_proj2(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class LanguageModel(nn.Module):
    def __init__(self, size, layers, norm, positions):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, size)
        self.positions = nn.Embedding(LENGTH, size) if positions else None
        self.layers = nn.ModuleList(layers)
        self.norm = norm
        self.head = nn.Linear(size, VOCABULARY, bias=False)

    def forward(self, ids):
        x = self.embedding(ids)
        if self.positions is not None:
            x = x + self.positions(torch.arange(LENGTH))
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


MODELS = {
    "llama": lambda: LanguageModel(256, [LlamaLayer(256, 8, 704) for _ in range(4)], RMSNorm(256), False),
    "gpt2": lambda: LanguageModel(768, [GPT2Layer(768, 12) for _ in range(12)], nn.LayerNorm(768), True),
}
BATCH = {"llama": 16, "gpt2": 4}
RATE = {"llama": 2e-3, "gpt2": 3e-4}

FOLDER.mkdir(parents=True, exist_ok=True)
for name, make in MODELS.items():
    model = make()
    for parameter in model.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, std=0.02)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE[name])
    begin, steps = time.time(), 0
    while time.time() - begin < SECONDS:
        at = torch.randint(0, len(train) - LENGTH - 1, (BATCH[name],))
        batch = torch.stack([train[i : i + LENGTH + 1] for i in at])
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        steps += 1
    model.eval()
    ids = torch.stack([test[i * LENGTH : (i + 1) * LENGTH] for i in range(2)])
    program = torch.export.export(model, (ids,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, FOLDER / f"{name}.pt2")
    print(f"{name}: {steps} steps, loss {loss.item():.3f}", flush=True)

windows = test[: 64 * LENGTH].view(64, LENGTH).numpy()
np.savez(FOLDER / "test.npz", ids=windows)
np.savez(FOLDER / "calibration.npz", ids=torch.stack([train[i * 1000 : i * 1000 + LENGTH] for i in range(32)]).numpy())
