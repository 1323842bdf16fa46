"""The other side of PythonRoundTripTests: a ResNet-20 in PyTorch, and a safetensors reader of a few lines.

make CHECKPOINT IMAGES zip|legacy TYPE: writes a training checkpoint of a network with moved statistics, prints its logits
read MODEL IMAGES: loads a safetensors file by name, strictly, prints the logits
"""
import json
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn

TYPES = {"F32": (torch.float32, 4), "I64": (torch.int64, 8)}


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.stride, self.new = stride, b - a

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride != 1 or self.new:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))
        return F.relu(y + x)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<q", file.read(8))
        header, data = json.loads(file.read(length)), bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype, size = TYPES[entry["dtype"]]
        values = torch.frombuffer(data, dtype=dtype, count=(end - begin) // size, offset=begin)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


torch.set_num_threads(1)
torch.manual_seed(7)
network = ResNet20()
images = read(sys.argv[3])["images"]
if sys.argv[1] == "make":
    network.train()
    with torch.no_grad():
        network(torch.rand(16, 3, 32, 32))
    network.to(getattr(torch, sys.argv[5]))
    torch.save({"state_dict": nn.DataParallel(network).state_dict(), "epoch": 1}, sys.argv[2],
               _use_new_zipfile_serialization=sys.argv[4] == "zip")
    network.float()
else:
    network.load_state_dict(read(sys.argv[2]))
network.eval()
with torch.no_grad():
    print(*network(images).flatten().tolist())
