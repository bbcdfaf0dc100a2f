"""Models to quantize, as PyTorch programs with their data: quant-models.py FOLDER [NAME...]

Each gives NAME.pt2, NAME.calibration.npz and NAME.samples.npz. Weights are random, their statistics those of training:
channels of different size, few outliers, BatchNorm that has seen data, the few large channels of transformers.
"""
import importlib.abc
import importlib.machinery
import sys
from unittest.mock import MagicMock

import numpy
import torch


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands for torchvision: timm and transformers import it for what these models do not use."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = MagicMock(__spec__=spec, __path__=[], __name__=spec.name)
        module.__version__ = "0"
        return module

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Absent())

CALIBRATION, SAMPLES = 32, 16
BATCH = {0: torch.export.Dim("batch", min=1, max=64)}


def images(count):
    """Noise with the spectrum of photographs: as much in every octave."""
    octaves = [torch.randn(count, 3, size, size) for size in (7, 14, 28, 56, 112, 224)]
    return sum(torch.nn.functional.interpolate(x, 224, mode="bilinear") for x in octaves) / len(octaves) ** 0.5


def roughen(model):
    """Rows of weights of different size with rare large ones; norms as training leaves them."""
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            rows = torch.randn(len(weight)).mul(0.2).exp().reshape(-1, *[1] * (weight.ndim - 1))
            tails = torch.distributions.StudentT(10.0).sample(weight.shape)
            weight.copy_(weight.std() * 0.9 * tails * rows)
        elif isinstance(module, (torch.nn.BatchNorm2d, torch.nn.LayerNorm)):
            weight.copy_(torch.randn(len(weight)).mul(0.15).exp())
            module.bias.copy_(torch.randn(len(weight)) * 0.1)
        if isinstance(module, torch.nn.LayerNorm):
            large = torch.randperm(len(weight))[: max(2, len(weight) // 128)]
            weight[large] *= 8
    return model


def of_timm(arch):
    import timm

    model = roughen(timm.create_model(arch, pretrained=False))
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for module in norms:
        module.momentum = None
    if norms:
        for _ in range(2):
            model.train()(images(16))
    return model, (BATCH,), lambda count: {"x": images(count)}


VOCABULARY, LENGTH = 30522, 128


def bert():
    from transformers import BertConfig, BertModel

    sizes = dict(hidden_size=512, num_attention_heads=8, intermediate_size=2048, vocab_size=VOCABULARY)

    class Bert(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = BertModel(BertConfig(num_hidden_layers=4, **sizes), add_pooling_layer=False)

        def forward(self, input_ids, attention_mask):
            return self.bert(input_ids, attention_mask).last_hidden_state

    def texts(count):
        lengths = torch.randint(LENGTH // 4, LENGTH + 1, (count, 1))
        # Words are as frequent as their rank is small.
        words = (VOCABULARY ** torch.rand(count, LENGTH)).long()
        mask = (torch.arange(LENGTH) < lengths).long()
        return {"input_ids": words * mask, "attention_mask": mask}

    return roughen(Bert()), (BATCH, BATCH), texts


MODELS = {
    "mobilenetv2": lambda: of_timm("mobilenetv2_100"),
    "resnet50": lambda: of_timm("resnet50"),
    "vit_tiny": lambda: of_timm("vit_tiny_patch16_224"),
    "bert": bert,
}


def save(folder, name):
    torch.manual_seed(0)
    with torch.no_grad():
        model, shapes, data = MODELS[name]()
    program = torch.export.export(model.eval(), tuple(data(2).values()), dynamic_shapes=shapes)
    torch.export.save(program, f"{folder}/{name}.pt2")
    for part, count in (("calibration", CALIBRATION), ("samples", SAMPLES)):
        numpy.savez(f"{folder}/{name}.{part}.npz", **{key: value.numpy() for key, value in data(count).items()})


if __name__ == "__main__":
    folder, *names = sys.argv[1:]
    for name in names or MODELS:
        save(folder, name)
