#!/usr/bin/env python3
"""Makes rays_cnn_a.safetensors: how far RayS's own code comes after so many queries (recorded at 29bc174, PyTorch 1.13, CPU).

Arguments: a checkout of github.com/uclaml/RayS, the folder of the recorded traces (for cnn_a_weights.safetensors) and CIFAR-10's
test_batch.bin. Of the first 64 test images those that the network gets right: the Linf distance to the nearest misclassified point that was
met, infinite where none was.
"""
import sys
import types

import torch

from make_fixtures import HERE, write
from make_l1_fixtures import problem

QUERIES = [50, 100, 200, 400, 800]

# What is for a GPU and for people.
torch.Tensor.cuda = lambda tensor, *arguments, **named: tensor
sys.modules["pgbar"] = types.SimpleNamespace(progress_bar=lambda *arguments: None)
sys.path.insert(0, sys.argv[1])
from RayS import RayS  # noqa: E402


class Recorded(RayS):
    def search_succ(self, x, y, target, mask):
        won = super().search_succ(x, y, target, mask)
        rows = mask.nonzero().flatten() if mask.dtype == torch.bool else mask
        sizes = (x[mask] - images[rows]).abs().flatten(1).amax(1)
        self.nearest[rows] = torch.where(won, torch.min(self.nearest[rows], sizes), self.nearest[rows])
        for place, queries in enumerate(QUERIES):
            now = rows[self.queries[rows] <= queries]
            self.after[place, now] = self.nearest[now]
        return won


torch.set_num_threads(1)
network, images, labels = problem(sys.argv[2], sys.argv[3], count=64)
with torch.no_grad():
    right = network(images).argmax(1).eq(labels)
    images, labels = images[right], labels[right]
    model = types.SimpleNamespace(predict_label=lambda points: network(points).argmax(1))
    attack = Recorded(model, epsilon=0.0)
    attack.nearest = torch.full([len(images)], float("inf"))
    attack.after = torch.full([len(QUERIES), len(images)], float("inf"))
    attack.attack_hard_label(images, labels, query_limit=QUERIES[-1] + 30)
print(len(images), "right, medians", [f"{queries}: {float(sizes.median()):.4f}" for queries, sizes in zip(QUERIES, attack.after)])
write(f"{HERE}/rays_cnn_a.safetensors", {"right": right, "queries": torch.tensor(QUERIES), "sizes": attack.after})
