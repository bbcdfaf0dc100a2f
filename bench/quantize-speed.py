"""Programs of timm with random weights and 32 samples: quantize-speed.py FOLDER"""
import sys

import numpy
import timm
import torch

folder = sys.argv[1]
torch.manual_seed(0)
for name in ("mobilenetv2_100", "resnet50", "vit_tiny_patch16_224"):
    model = timm.create_model(name, pretrained=False)
    with torch.no_grad():
        # Statistics of BatchNorm, as training leaves them.
        model.train()(torch.randn(8, 3, 224, 224))
    batch = ({0: torch.export.Dim("batch", min=1, max=64)},)
    program = torch.export.export(model.eval(), (torch.randn(2, 3, 224, 224),), dynamic_shapes=batch)
    torch.export.save(program, f"{folder}/{name}.pt2")
samples = numpy.random.default_rng(0).standard_normal((32, 3, 224, 224)).astype(numpy.float32)
numpy.savez(f"{folder}/calibration.npz", x=samples)
