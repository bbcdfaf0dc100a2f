"""A Llama and a GPT-2 in plain PyTorch, as weight-only.py trains them."""
import torch
from torch import nn
from torch.nn import functional as F


class RMSNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


def heads(x, count):
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def attention(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class LlamaLayer(nn.Module):
    def __init__(self, size, count, inner, length):
        super().__init__()
        self.count = count
        self.norm1, self.norm2 = RMSNorm(size), RMSNorm(size)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(size, size, bias=False) for _ in range(4))
        self.gate_proj, self.up_proj = (nn.Linear(size, inner, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(inner, size, bias=False)
        half = size // count // 2
        angles = torch.outer(torch.arange(length), 10000.0 ** (-torch.arange(half) / half))
        self.register_buffer("cos", torch.cat([angles, angles], -1).cos())
        self.register_buffer("sin", torch.cat([angles, angles], -1).sin())

    def forward(self, x):
        h = self.norm1(x)
        q, k, v = (heads(p(h), self.count) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, self.cos, self.sin), rotate(k, self.cos, self.sin)
        x = x + self.o_proj(attention(q, k, v))
        h = self.norm2(x)
        return x + self.down_proj(F.silu(self.gate_proj(h)) * self.up_proj(h))

    def out_of(self):
        return self.o_proj, self.down_proj


class GPT2Layer(nn.Module):
    def __init__(self, size, count):
        super().__init__()
        self.count = count
        self.ln_1, self.ln_2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.c_attn, self.c_proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.c_fc, self.mlp_c_proj = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)

    def forward(self, x):
        q, k, v = (heads(t, self.count) for t in self.c_attn(self.ln_1(x)).chunk(3, -1))
        x = x + self.c_proj(attention(q, k, v))
        return x + self.mlp_c_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))

    def out_of(self):
        return self.c_proj, self.mlp_c_proj


class LanguageModel(nn.Module):
    """With `positions` they are learned, and the head is the table of tokens, as in GPT-2."""

    def __init__(self, vocabulary, layers, norm, positions=0):
        super().__init__()
        size = norm.weight.shape[0]
        self.tokens = nn.Embedding(vocabulary, size)
        self.positions = nn.Embedding(positions, size) if positions else None
        self.layers = nn.ModuleList(layers)
        self.norm = norm
        self.head = nn.Linear(size, vocabulary, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        if positions:
            self.head.weight = self.tokens.weight

    def forward(self, ids):
        x = self.tokens(ids)
        if self.positions is not None:
            x = x + self.positions.weight[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))
