"""Writes glyph-teacher.pt, the teacher of the third notebook, as a PyTorch program would have left it: by torch.save.

The weights are those of a robust teacher for the built-in images. They were made by

    ./ard distill --data builtin --student tinycnn-16-bn --method at --eps 0.1 --steps 5 --step-size 0.05 --epochs 15 --batch 50 \
        --lr 0.1 --schedule onecycle --augmentation none --validation 0 --train-images 4000 --test-images 1000 --output out/teacher
    python3 examples/notebooks/make_teacher.py out/teacher/student-at.safetensors

PyTorch 1.13 wrote the file that is here.
"""

import json
import pathlib
import struct
import sys

import torch
from torch import nn


class GlyphNet(nn.Module):
    """The network as somebody would write it in PyTorch; its names are those of tinycnn-16-bn."""

    def __init__(self, mean, std, width=16, classes=10):
        super().__init__()
        # The images come in [0,1]; buffers, so that the file holds them.
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, -1, 1, 1))
        layers, channels = [], 1
        for factor, stride in ((1, 1), (2, 2), (4, 2)):
            layers += [
                nn.Conv2d(channels, factor * width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(factor * width),
                nn.ReLU(inplace=True),
            ]
            channels = factor * width
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 4 * 4, classes))

    def forward(self, images):
        return self.net((images - self.mean) / self.std)


def read_safetensors(path):
    """The tensors of a safetensors file by name, and the specification of its network."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    types = {"F32": torch.float32, "I64": torch.int64}
    header = json.loads(data[8 : 8 + length])
    spec = json.loads(header.pop("__metadata__")["ard.network"])
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=types[entry["dtype"]]).reshape(entry["shape"])
    return tensors, spec


def main():
    tensors, spec = read_safetensors(sys.argv[1])
    network = GlyphNet(spec["mean"], spec["std"])
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    assert missing == ["mean", "std"] and not unexpected, (missing, unexpected)
    # As checkpoints are usually saved: a dictionary, and the names with the prefix of DataParallel.
    checkpoint = {"epoch": 15, "state_dict": nn.DataParallel(network).state_dict()}
    torch.save(checkpoint, pathlib.Path(__file__).with_name("glyph-teacher.pt"))


if __name__ == "__main__":
    main()
