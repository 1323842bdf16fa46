#!/usr/bin/env python3
"""Makes the fixtures beside this file (PyTorch 1.13 or newer, CPU).

trace_logits.safetensors: logits, labels and losses cut from the recorded runs of the original implementations (argument: their folder).
tiny_objectives.safetensors: training iterations of a tiny network with batch normalisation, computed here in float64, step by step as the
original implementations do it. It needs no file and no image: weights, images and noise are drawn from a seed.
"""
import json
import os
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    kinds = {"F32": torch.float32, "I64": torch.int64}
    return {
        name: torch.frombuffer(bytearray(data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]]),
                               dtype=kinds[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in json.loads(data[8:8 + size]).items() if entry["data_offsets"][0] < entry["data_offsets"][1]}


def write(path, tensors):
    header, payload = {}, b""
    for name, tensor in sorted(tensors.items()):
        tensor = tensor.detach()
        tensor = (tensor.float() if tensor.is_floating_point() else tensor.long()).contiguous()
        raw = tensor.numpy().tobytes()
        header[name] = {"dtype": "F32" if tensor.is_floating_point() else "I64", "shape": list(tensor.shape),
                        "data_offsets": [len(payload), len(payload) + len(raw)]}
        payload += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + payload)
    print(os.path.basename(path), os.path.getsize(path), "bytes")


def cut_logits(traces):
    tensors = {"labels": read(f"{traces}/common_batch_and_teacher.safetensors")["labels"]}
    for name in ("wrn10_1_t30_a1", "wrn10_1_t4_a05", "mobilenetv2_t30_a1"):
        for kind in ("", "_float64"):
            run = read(f"{traces}/ard_{name}{kind}.safetensors")
            for i in (1, 2, 3):
                for what in ("adv_logits", "teacher_logits", "clean_logits", "loss", "loss_recomputed_float64"):
                    if f"it{i}.{what}" in run:
                        tensors[f"{name}{kind}.it{i}.{what}"] = run[f"it{i}.{what}"]
    run = read(f"{traces}/successors_wrn10_1.safetensors")
    for name in ("train_forward1.clean_logits", "train_forward2.adv_logits", "loss"):
        tensors[f"trades_float64.{name}"] = run[f"float64.trades.{name}"]
    write(f"{HERE}/trace_logits.safetensors", tensors)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6)
        self.linear = nn.Linear(6, 4)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return self.linear(x.mean((2, 3)))


def attack(student, x, start, eps, step, steps, loss):
    adv = start
    for _ in range(steps):
        adv = adv.detach().requires_grad_()
        gradient, = torch.autograd.grad(loss(adv), adv)
        adv = adv.detach() + step * gradient.sign()
        adv = torch.min(torch.max(adv, x - eps), x + eps).clamp(0, 1)
    return adv.detach()


def kl(prediction, target, temperature, reduction):
    return F.kl_div(F.log_softmax(prediction / temperature, 1), F.softmax(target / temperature, 1), reduction=reduction)


def ard(student, teacher, x, y, noise, temperature, alpha):
    adv = attack(student, x, x + noise, 8 / 255, 2 / 255, 10, lambda a: F.cross_entropy(student(a), y, reduction="sum"))
    attacked, target, clean = student(adv), teacher(x), student(x)
    loss = alpha * temperature ** 2 * kl(attacked, target.detach(), temperature, "mean") + (1 - alpha) * F.cross_entropy(clean, y)
    return adv, attacked, loss


def distillation(student, teacher, x, y, noise, temperature, alpha):
    clean, target = student(x), teacher(x)
    loss = alpha * temperature ** 2 * kl(clean, target.detach(), temperature, "mean") + (1 - alpha) * F.cross_entropy(clean, y)
    return None, clean, loss


def madry(student, teacher, x, y, noise):
    student.eval()
    adv = attack(student, x, x + noise, 8 / 255, 2 / 255, 10, lambda a: F.cross_entropy(student(a), y, reduction="sum"))
    student.train()
    attacked = student(adv)
    return adv, attacked, F.cross_entropy(attacked, y)


def trades(student, teacher, x, y, noise):
    student.eval()
    adv = attack(student, x, x + noise / 20, 0.031, 0.007, 10, lambda a: kl(student(a), student(x), 1, "sum"))
    student.train()
    clean, attacked, again = student(x), student(adv), student(x)
    return adv, attacked, F.cross_entropy(clean, y) + 6 * kl(attacked, again, 1, "sum") / len(x)


def natural(student, teacher, x, y, noise):
    clean = student(x)
    return None, clean, F.cross_entropy(clean, y)


def tiny():
    torch.manual_seed(20)
    student, teacher = Tiny(), Tiny()
    images, labels = torch.rand(6, 3, 8, 8), torch.tensor([0, 1, 2, 3, 1, 2])
    # A value at either end of the range, and running statistics that differ from their defaults.
    images[0, :, :2], images[1, :, :2] = 0, 1
    noise = (torch.rand(2, 6, 3, 8, 8) * 2 - 1) * (8 / 255)
    for network in (student, teacher):
        for _ in range(3):
            network(torch.rand(6, 3, 8, 8))
    tensors = {"images": images, "labels": labels, "noise": noise}
    for prefix, network in (("student.", student), ("teacher.", teacher)):
        tensors |= {prefix + name: value.clone() for name, value in network.state_dict().items()}
    weights = {name: value.clone() for name, value in student.state_dict().items()}
    teacher.double().eval()
    methods = {
        "ard_t30_a1": lambda *a: ard(*a, 30, 1), "ard_t4_a05": lambda *a: ard(*a, 4, 0.5),
        "distillation_t4_a05": lambda *a: distillation(*a, 4, 0.5), "adversarial_training": madry, "trades": trades, "natural": natural}
    for method, run in methods.items():
        network = Tiny()
        network.load_state_dict(weights)
        network.double().train()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4)
        for i in (1, 2):
            adv, logits, loss = run(network, teacher, images.double(), labels, noise[i - 1].double())
            optimizer.zero_grad()
            loss.backward()
            if adv is not None:
                tensors[f"{method}.it{i}.adversarial"] = adv
            tensors |= {f"{method}.it{i}.logits": logits, f"{method}.it{i}.loss": loss.reshape(1)}
            tensors |= {f"{method}.it{i}.grad.{name}": p.grad.clone() for name, p in network.named_parameters()}
            optimizer.step()
        tensors |= {f"{method}.after.{name}": value for name, value in network.state_dict().items()}
    write(f"{HERE}/tiny_objectives.safetensors", tensors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        cut_logits(sys.argv[1])
    tiny()
