"""Makes the checkpoints of StrangersTests: what programs keep beside a state dict, and other ways of keeping several.

Recorded with PyTorch 1.13.1 and NumPy 1.24 (Debian's python3-torch).
"""
import argparse
import collections
import copy
import datetime
import enum
import functools
import os
import pathlib
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

here = os.path.dirname(os.path.abspath(__file__))


def save(name, value, **options):
    torch.save(value, os.path.join(here, f"strangers-{name}.pt"), **options)


class TinyCnn(nn.Module):
    """tinycnn-1 with 2 classes for images of 3x4x4."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 1, 3, 1, 1), nn.ReLU(), nn.Conv2d(1, 2, 3, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 3, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(4, 2))

    def forward(self, x):
        return self.net(x)


def filled(network, first):
    """Weight i of all, in the order of the names, is (first + i) / 256."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_((first + torch.arange(parameter.numel()).reshape(parameter.shape)) / 256)
            first += parameter.numel()
    return network


class Colour(enum.Enum):
    RED = 1


class Config(dict):
    """A dictionary of a class of its own, with attributes."""


network = filled(TinyCnn(), 0)
state = network.state_dict()
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
network(torch.ones(1, 3, 4, 4)).sum().backward()
optimizer.step()
filled(network, 0)
schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
config = Config(a=1)
config.attribute = {1, 2}

beside = {
    "counter": collections.Counter("abca"),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "set": {1, 2},
    "frozenset": frozenset([3]),
    "numpy_scalar": np.float64(0.5),
    "numpy_int": np.int64(7),
    "numpy_array": np.arange(6, dtype=np.float32).reshape(2, 3),
    "numpy_objects": np.array([None, "a"], dtype=object),
    "numpy_texts": np.array(["ab", "c"]),
    "numpy_random": np.random.RandomState(1).get_state(),
    "args": argparse.Namespace(lr=0.1, arch="tinycnn", milestones=[2, 4]),
    "path": pathlib.PurePosixPath("/tmp/run"),
    "when": datetime.datetime(2024, 5, 6, 7, 8, 9),
    "complex": 1 + 2j,
    "keys": {0.5: "float", (1, 2): "tuple", (1, (2, 3)): "nested", None: "none", True: "bool", b"x": "bytes", 1j: "complex",
             Colour.RED: "enum", frozenset([1]): "set", 2: "int", 2 ** 70: "long"},
    "enum": Colour.RED,
    "config": config,
    "class": Colour,
    "function": torch.nn.functional.relu,
    "partial": functools.partial(max, 1),
    "bytearray": bytearray(b"abc"),
    "range": range(3),
    "slice": slice(1, 2),
    "complex_tensor": torch.tensor([1 + 2j]),
    "quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
    "sparse": torch.eye(2).to_sparse(),
    "rng": torch.get_rng_state()[:8].clone(),
}
checkpoint = {"epoch": 3, **beside, "scheduler": schedule.state_dict(), "optimizer": optimizer.state_dict(), "state_dict": state}
save("beside", checkpoint)
save("beside-protocol4", checkpoint, pickle_protocol=4)
save("beside-legacy-protocol5", checkpoint, pickle_protocol=5, _use_new_zipfile_serialization=False)
save("beside-legacy", checkpoint, _use_new_zipfile_serialization=False)

# Several state dicts without names, and with those of averages.
other = filled(TinyCnn(), 100)
save("pair", [state, optimizer.state_dict()])
save("cascade", {"state_dict": [state, other.state_dict()]})
save("ema", {"model": state, "model_ema": other.state_dict(), "epoch": 2})
averaged = torch.optim.swa_utils.AveragedModel(other)
save("swa", {"swa_model": averaged.state_dict()})
both = OrderedDict((f"online_model.{name}", tensor) for name, tensor in state.items())
both.update((f"ema_model.{name}", tensor) for name, tensor in other.state_dict().items())
both.update(initted=torch.tensor(True), step=torch.tensor(10))
save("ema-in-one", both)
save("prefix", OrderedDict((f"classifier_under_test.inner.{name}", tensor) for name, tensor in state.items()))
nan = copy.deepcopy(state)
nan["net.2.weight"][0, 0, 0, 0] = float("nan")
save("nan", nan)
