"""Language models for bench/weight-only.ts, trained on the manual of Python that each Python carries, byte by byte:
weight-only.py FOLDER SECONDS

A Llama (4 layers of 512) and a GPT-2 of its size (12 layers of 768, 50257 tokens, 124 million parameters), with
calibration and test tokens. Minutes on a processor train narrow ones only; those are widened to models of the same
function: activations stand there several times, and each weight is a sum of as many random parts. The parts have the
size at which rounding them costs as much as rounding weights that were independent. The GPT-2 begins with two layers,
each of which goes on as six that add a part each.
"""
import copy
import pydoc_data.topics
import sys
import time

import numpy
import torch
from language_models import GPT2Layer, LanguageModel, LlamaLayer, RMSNorm
from torch import nn
from torch.nn import functional as F

folder, seconds = sys.argv[1], float(sys.argv[2])
BYTES, VOCABULARY = 256, 50257
LENGTH, BATCH = 128, 16
# Threads that wait for each other lose more than they win where processors are shared.
torch.set_num_threads(1)
torch.manual_seed(0)
text = torch.tensor(list("".join(pydoc_data.topics.topics.values()).encode()))
train, test = text[:-20000], text[-20000:]


def llama(times=1):
    layers = [LlamaLayer(128 * times, 2 * times, 352 * times, LENGTH) for _ in range(4)]
    return LanguageModel(BYTES, layers, RMSNorm(128 * times))


def gpt2(times=1, layers=2):
    made = [GPT2Layer(128 * times, 2 * times) for _ in range(layers)]
    return LanguageModel(BYTES, made, nn.LayerNorm(128 * times), positions=1024)


def trained(model, seconds):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95))
    begin, losses = time.time(), []
    while (spent := (time.time() - begin) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (len(losses) + 1) / 50) * (1.05 - spent)
        starts = torch.randint(0, len(train) - LENGTH - 1, (BATCH,))
        batch = torch.stack([train[i : i + LENGTH + 1] for i in starts])
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    print(f"{len(losses)} steps to a loss of {numpy.mean(losses[-20:]):.2f}", flush=True)
    return model


def repeated(values, times, pieces=1):
    """Along the first axis, each of the pieces by itself."""
    return torch.cat([piece.repeat(times, *[1] * (piece.dim() - 1)) for piece in values.chunk(pieces)])


def split(weight, times):
    """Each column as `times` random ones of the same sum."""
    parts = torch.randn(times, *weight.shape) * weight.std() / times**0.5
    return torch.cat(list(weight / times + parts - parts.mean(0)), 1)


@torch.no_grad()
def widen(narrow, wide, times):
    for (name, to), by in zip(wide.named_modules(), narrow.modules(), strict=True):
        if isinstance(to, nn.Embedding):
            to.weight.copy_(by.weight.repeat(1, times))
        elif isinstance(to, nn.Linear) and name != "head":
            pieces = 3 if name.endswith("c_attn") else 1
            to.weight.copy_(split(repeated(by.weight, times, pieces), times))
            if to.bias is not None:
                to.bias.copy_(repeated(by.bias, times, pieces))
        elif name == "head" and to.weight is not wide.tokens.weight:
            to.weight.copy_(split(by.weight, times))
        elif isinstance(to, (RMSNorm, nn.LayerNorm)):
            for a, b in zip(to.parameters(), by.parameters()):
                a.copy_(b.repeat(times))
    if wide.head.weight is wide.tokens.weight:
        for parameter in wide.norm.parameters():
            parameter /= times


@torch.no_grad()
def deepen(model, times):
    """Each layer as `times` of them, of which each adds its part."""
    for layer in model.layers:
        for linear in layer.out_of():
            for parameter in linear.parameters():
                parameter /= times
    model.layers = nn.ModuleList([copy.deepcopy(layer) for layer in model.layers for _ in range(times)])


@torch.no_grad()
def add_tokens(model, times):
    """Tokens that are no bytes: their rows lean away from a direction that the last norm always adds."""
    rows = model.tokens.weight
    away = torch.randn(times, rows.shape[1] // times)
    away = (away - away.mean(0)).flatten()
    away /= away.norm()
    others = rows.std() * torch.randn(VOCABULARY - BYTES, rows.shape[1]) - 2 * away
    model.tokens.weight = model.head.weight = nn.Parameter(torch.cat([rows, others]))
    model.norm.bias += 10 * away


def save(name, model):
    model.eval()
    ids = test[: 2 * LENGTH].view(2, LENGTH)
    program = torch.export.export(model, (ids,), dynamic_shapes=({0: torch.export.Dim("batch", max=64)},))
    torch.export.save(program, f"{folder}/{name}.pt2")
    print(f"{name}: {sum(p.numel() for p in model.parameters()) / 1e6:.0f} M parameters", flush=True)


numpy.savez(f"{folder}/test.npz", ids=test[: 32 * LENGTH].view(32, LENGTH).numpy())
starts = torch.linspace(0, len(train) - LENGTH, 32).long()
numpy.savez(f"{folder}/calibration.npz", ids=torch.stack([train[i : i + LENGTH] for i in starts]).numpy())

narrow, wide = trained(llama(), seconds), llama(4)
widen(narrow, wide, 4)
save("llama", wide)

narrow, wide = trained(gpt2(), seconds / 2), gpt2(6, layers=12)
deepen(narrow, 6)
trained(narrow, seconds / 2)
widen(narrow, wide, 6)
add_tokens(wide, 6)
save("gpt2", wide)
