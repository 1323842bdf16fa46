#!/usr/bin/env python3
"""Makes fmn_cnn_a.safetensors: the sizes of the perturbations that adv-lib's FMN finds (recorded at 9dec220, PyTorch 1.13, CPU).

Arguments: a checkout of github.com/jeromerony/adversarial-library, the folder of the recorded traces (for cnn_a_weights.safetensors) and
CIFAR-10's test_batch.bin. 100 steps with the defaults otherwise, on those of the first 128 test images that the network gets right; 0 for
the others.
"""
import importlib.util
import os
import sys
import types

import torch

from make_fixtures import HERE, write
from make_l1_fixtures import problem

# The attack alone: the package imports what it needs for others.
for name in ["adv_lib", "adv_lib.attacks", "adv_lib.utils"]:
    package = types.ModuleType(name)
    package.__path__ = [os.path.join(sys.argv[1], *name.split("."))]
    sys.modules[name] = package
path = f"{sys.argv[1]}/adv_lib/attacks/fast_minimum_norm.py"
spec = importlib.util.spec_from_file_location("adv_lib.attacks.fast_minimum_norm", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

torch.set_num_threads(1)
model, images, labels = problem(sys.argv[2], sys.argv[3], count=128)
tensors = {}
for name, norm in [("linf", float("inf")), ("l2", 2), ("l1", 1)]:
    with torch.no_grad():
        right = model(images).argmax(1).eq(labels)
    points = module.fmn(model, images[right], labels[right], norm=norm, steps=100)
    with torch.no_grad():
        broken = model(points).argmax(1).ne(labels[right])
    sizes = torch.zeros(len(images))
    sizes[right] = (points - images[right]).flatten(1).norm(p=norm, dim=1)
    tensors[f"{name}.sizes"] = sizes
    print(name, int(right.sum()), "right,", int(broken.sum()), "broken, median", float(sizes[right].median()))
write(f"{HERE}/fmn_cnn_a.safetensors", tensors)
