"""Makes the small files of torch.save that PytorchFileTests reads. Recorded with PyTorch 1.13.1 (Debian's python3-torch)."""
import os
from collections import OrderedDict

import torch
from torch import nn

here = os.path.dirname(os.path.abspath(__file__))


def save(name, value):
    torch.save(value, os.path.join(here, f"{name}.pt"))
    torch.save(value, os.path.join(here, f"{name}.legacy.pt"), _use_new_zipfile_serialization=False)


# Every type of elements, and every way in which a tensor can lie in its storage. Values count from 0 where nothing else is said.
count = torch.arange(24, dtype=torch.float32)
shared = torch.arange(10, dtype=torch.float32)
kinds = OrderedDict(
    float64=torch.arange(6, dtype=torch.float64).reshape(2, 3),
    float32=torch.arange(6, dtype=torch.float32).reshape(2, 3),
    float16=torch.arange(6, dtype=torch.float16).reshape(2, 3),
    bfloat16=torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
    int64=torch.arange(6).reshape(2, 3),
    int32=torch.arange(6, dtype=torch.int32).reshape(2, 3),
    int16=torch.arange(6, dtype=torch.int16).reshape(2, 3),
    int8=torch.arange(6, dtype=torch.int8).reshape(2, 3),
    uint8=torch.arange(6, dtype=torch.uint8).reshape(2, 3),
    bool=torch.tensor([True, False, True]),
    scalar=torch.tensor(7),
    empty=torch.zeros(0, 3),
    transposed=count.reshape(4, 6).t(),
    strided=count[2::5],
    channels_last=count.reshape(1, 3, 2, 4).contiguous(memory_format=torch.channels_last),
    shared_head=shared[:4],
    shared_tail=shared[3:],
    parameter=nn.Parameter(torch.arange(3, dtype=torch.float32)),
)
save("kinds", kinds)


class TinyCnn(nn.Module):
    """tinycnn-2-bn with 4 classes."""

    def __init__(self):
        super().__init__()

        def block(a, b, stride):
            return [nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]

        self.net = nn.Sequential(*block(3, 2, 1), *block(2, 4, 2), *block(4, 8, 2), nn.Flatten(), nn.Linear(32, 4))

    def forward(self, x):
        return self.net(x)


def fill(network):
    """The formula of the fixtures of Networks."""
    k = 0
    for name, target in sorted(network.state_dict().items()):
        i = torch.arange(target.numel(), dtype=torch.int64)
        v = (((i * 7919 + k * 104729 + 12345) % 65521).double() / 65521 - 0.5).reshape(target.shape)
        k += 1
        if name.endswith("num_batches_tracked"):
            target.zero_()
        elif target.dim() > 1:
            target.copy_(v * (2 * (6 / (target.numel() / target.shape[0])) ** 0.5))
        elif name.endswith("running_var"):
            target.copy_(v + 1)
        elif name.endswith(("running_mean", "bias")):
            target.copy_(v * 0.2)
        else:
            target.copy_(v / 2 + 1)


network = TinyCnn().eval()
with torch.no_grad():
    fill(network)
images = (torch.arange(2 * 3 * 8 * 8, dtype=torch.float32) % 251 / 251).reshape(2, 3, 8, 8)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
network(images).sum().backward()
optimizer.step()
with torch.no_grad():
    fill(network)
state = OrderedDict((f"module.{name}", tensor) for name, tensor in network.state_dict().items())
save("checkpoint", {"epoch": 3, "best": 0.5, "arch": "tinycnn", "state_dict": state, "optimizer": optimizer.state_dict(),
                    "sizes": [torch.Size([2, 3])], "device": torch.device("cpu"), "dtype": torch.float32, "bytes": b"\x00\xff"})
torch.save(torch.tensor([1.0]), os.path.join(here, "tensor.pt"))
torch.jit.save(torch.jit.trace(network, images), os.path.join(here, "program.pt"))
print("logits", network(images).flatten().tolist())


class Normalised(nn.Sequential):
    """A normalisation, then the network: mean and std are buffers, the network's names begin with 1."""

    def __init__(self):
        constants = nn.Module()
        constants.register_buffer("mean", torch.tensor([0.4914, 0.4822, 0.4465]).reshape(1, 3, 1, 1))
        constants.register_buffer("std", torch.tensor([0.2471, 0.2435, 0.2616]).reshape(1, 3, 1, 1))
        super().__init__(constants, network)


torch.save({"net": Normalised().state_dict()}, os.path.join(here, "normalised.pt"))
with torch.no_grad():
    normalised = (images - torch.tensor([0.4914, 0.4822, 0.4465]).reshape(1, 3, 1, 1)) / torch.tensor([0.2471, 0.2435, 0.2616]).reshape(1, 3, 1, 1)
    print("normalised logits", network(normalised).flatten().tolist())
# A whole module, not its state dict: names classes, which are never looked up.
torch.save(nn.Linear(1, 1), os.path.join(here, "module.pt"))
