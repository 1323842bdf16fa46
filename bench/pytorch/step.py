"""The PyTorch side of `./ard bench step`: a server that runs one step whenever it is told to, so that the two sides can take turns.

    python3 step.py --threads N --state FILE.safetensors --student mobilenetv2 [--device cuda]

FILE holds what both sides start from: images [N,3,32,32] in [0,1], labels [N], noise [N,3,32,32] (the start of the attack minus the images)
and the state dicts student.* and teacher.*, the latter a ResNet-18's.

When everything is loaded it prints one line: ready {"torch": "...", "threads": N, "batch": N}. Then one line in, one line out:

    run pgd                 ten attack steps on the student in eval mode, gradients of the images only
    run ard                 one training step of ARD as in its released code: ten attack steps on the student in train mode, the student
                            on the adversarial images, teacher and student on the clean ones, loss, gradients, one step of SGD; nothing
                            is computed whose result is known
    run main                the same step as the main.py of that code runs it: the clean images go through the student with a graph and
                            a cross-entropy of weight 0, ReLU is not in place
                            -> {"seconds": S, "attack_first": A, "loss": L}
                            A: summed cross-entropy seen by the first attack step; L: the distillation loss
                            (null for pgd-). The device has finished before the clock is read
    memory                  the most bytes that the process ever had in memory -> {"peak": B}
    quit, or end of input   ends it

What cannot be done is answered {"error": "..."}. The first A must agree between the two sides to float32 rounding; L only roughly, since the sign of a
tiny gradient may differ.
"""
import argparse
import json
import resource
import struct
import sys
import time

import torch
import torch.nn.functional as F

import networks
from networks import MobileNetV2, ResNet18

EPSILON, STEP, STEPS = 8 / 255, 2 / 255, 10
TEMPERATURE = 30.0
DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read_safetensors(path):
    """Name -> tensor: 8 bytes header length, a JSON header of dtype, shape and offsets, the raw little-endian tensors."""
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        # A copy, so that every tensor is aligned whatever its offset.
        tensors[name] = torch.frombuffer(data[begin:end], dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"]).clone()
    return tensors


def load(network, tensors, prefix):
    network.load_state_dict({name[len(prefix):]: value for name, value in tensors.items() if name.startswith(prefix)})
    return network


class Student:
    """A network with its optimizer, as the released code of ARD sets it up."""

    def __init__(self, network):
        self.network = network
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4)


def attack(network, images, labels, noise):
    """Ten steps of PGD from a start that is not clamped; also the loss of each step."""
    x, losses = images + noise, []
    for _ in range(STEPS):
        x.requires_grad_()
        loss = F.cross_entropy(network(x), labels, reduction="sum")
        gradient, = torch.autograd.grad(loss, x)
        losses.append(loss.detach())
        with torch.no_grad():
            x = x.detach() + STEP * gradient.sign()
            x = torch.minimum(torch.maximum(x, images - EPSILON), images + EPSILON).clamp_(0, 1)
    return x, losses


def ard_step(student, teacher, images, labels, noise):
    network = student.network.train()
    student.optimizer.zero_grad(set_to_none=True)
    adversarial, losses = attack(network, images, labels, noise)
    logits = network(adversarial)
    with torch.no_grad():
        target = F.softmax(teacher(images) / TEMPERATURE, 1)
        network(images)  # At alpha 1 it has no share in the loss, but it moves the running statistics.
    loss = distillation(logits, target)
    loss.backward()
    student.optimizer.step()
    return losses, loss.detach()


def main_step(student, teacher, images, labels, noise):
    """The order and the graph of the released main.py, at alpha 1."""
    network, alpha = student.network.train(), 1.0
    student.optimizer.zero_grad()
    adversarial, losses = attack(network, images, labels, noise)
    logits = network(adversarial)
    target = F.softmax(teacher(images) / TEMPERATURE, 1)
    loss = alpha * distillation(logits, target) + (1 - alpha) * F.cross_entropy(network(images), labels)
    loss.backward()
    student.optimizer.step()
    return losses, loss.detach()


def distillation(logits, target):
    return TEMPERATURE ** 2 * F.kl_div(F.log_softmax(logits / TEMPERATURE, 1), target, reduction="sum") / logits.numel()


STUDENTS = {"resnet18": ResNet18, "mobilenetv2": MobileNetV2}
METHODS = {"pgd": attack, "ard": ard_step, "main": main_step}


def synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--student", required=True, choices=STUDENTS)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    tensors = read_safetensors(arguments.state)
    device = torch.device(arguments.device)
    images, labels, noise = (tensors[name].to(device) for name in ("images", "labels", "noise"))
    teacher = load(ResNet18(), tensors, "teacher.").to(device).eval().requires_grad_(False)
    student = Student(load(STUDENTS[arguments.student](), tensors, "student.").to(device))
    tensors.clear()  # Not counted in the memory of a step.

    def run(method):
        if method not in METHODS:
            return {"error": f"unknown step '{method}'"}
        loss = None
        networks.IN_PLACE = method != "main"
        synchronise(device)
        began = time.perf_counter()
        if method == "pgd":
            _, losses = attack(student.network.eval(), images, labels, noise)
        else:
            losses, loss = METHODS[method](student, teacher, images, labels, noise)
        synchronise(device)
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "attack_first": losses[0].item(), "loss": None if loss is None else loss.item()}

    about = {"torch": torch.__version__, "threads": torch.get_num_threads(), "batch": len(images),
             "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"}
    print("ready", json.dumps(about), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            break
        if len(words) == 2 and words[0] == "run":
            answer = run(words[1])
        elif words == ["memory"]:
            answer = {"peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
        else:
            answer = {"error": f"expected 'run NAME', 'memory' or 'quit', found '{line.strip()}'"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
