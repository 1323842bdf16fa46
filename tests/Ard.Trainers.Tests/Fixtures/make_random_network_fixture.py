#!/usr/bin/env python3
"""Makes random_network.safetensors: AutoAttack's own APGD with 20 samples (its version 'rand') on a network whose outputs are random.

Argument: a checkout of github.com/fra31/auto-attack (recorded at a392200, PyTorch 1.13, CPU). The network adds noise to its input that
comes from a table of 20 draws in turn, so the mean of 20 passes is the same for everybody, whatever the order.
"""
import os
import sys

import torch

from make_fixtures import write

sys.path.insert(0, sys.argv[1])
from autoattack.autopgd_base import APGDAttack  # noqa: E402

STEPS, EPSILON, DRAWS, COUNT = 20, 0.04, 20, 60


class RandomNetwork(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.noise = torch.randn(DRAWS, 10) * 0.05
        self.first = torch.randn(10, 30)
        self.second = torch.randn(30, 4)
        self.inputs = []

    def forward(self, x):
        noise = self.noise[len(self.inputs) % DRAWS]
        self.inputs.append(x.detach().clone())
        return torch.tanh((x - 0.5 + noise) @ self.first) @ self.second


def classes(network, points):
    return sum(network(points).softmax(1) for _ in range(DRAWS)).argmax(1)


torch.manual_seed(3)
network = RandomNetwork()
images = torch.rand(COUNT, 10)
labels = classes(network, images)
start = (images + EPSILON * (2 * torch.rand(COUNT, 10) - 1)).clamp(0, 1)
tensors = {"noise": network.noise, "first": network.first, "second": network.second, "images": images, "labels": labels, "start": start}
for loss in ["ce", "dlr"]:
    attack = APGDAttack(network, n_iter=STEPS, norm="Linf", eps=EPSILON, loss=loss, eot_iter=DRAWS, device="cpu")
    attack.init_hyperparam(images)
    network.inputs = []
    _, _, _, adversarial = attack.attack_single_run(images, labels, x_init=start)
    # The first check comes after four steps; it looks at the last of the samples, ours at their mean.
    for step in range(5):
        tensors[f"{loss}.step{step}"] = network.inputs[step * DRAWS]
    network.inputs = []
    tensors[f"{loss}.adversarial"] = adversarial
    tensors[f"{loss}.broken"] = classes(network, adversarial).ne(labels)
    one = network(adversarial).argmax(1).ne(labels)
    print(loss, "broken by the mean:", int(tensors[f"{loss}.broken"].sum()), "by one pass:", int(one.sum()), "of", COUNT)
write(os.path.join(os.path.dirname(os.path.abspath(__file__)), "random_network.safetensors"), tensors)
