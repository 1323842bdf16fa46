#!/usr/bin/env python3
"""Makes tiny_saad.safetensors beside this file (PyTorch 1.13 or newer, CPU): training iterations of SAAD on the tiny network and the data of
make_fixtures.py, in float64. The inner maximisation, the entropy and the divergences are the functions of the released code
(github.com/HongsinLee/saad; argument: its folder); the step puts them together in the order of its saad.py.
"""
import ast
import sys

import numpy
import torch
import torch.nn.functional as F
from torch import nn

from make_fixtures import HERE, Tiny, read, write


def functions(path, names):
    """These functions of a file, without what else the file does."""
    kept = [node for node in ast.parse(open(path).read()).body if isinstance(node, ast.FunctionDef) and node.name in names]
    found = {"torch": torch, "nn": nn, "F": F, "np": numpy, "Variable": torch.autograd.Variable}
    exec(compile(ast.Module(kept, []), path, "exec"), found)
    return [found[name] for name in names]


def main(release):
    (inner,) = functions(f"{release}/attacks.py", ["saad_inner_loss"])
    divergence, entropy = functions(f"{release}/utils.py", ["samplewise_kl_div", "samplewise_renyi_entropy"])
    data = read(f"{HERE}/tiny_objectives.safetensors")
    part = lambda prefix: {name[len(prefix):]: value for name, value in data.items() if name.startswith(prefix)}
    teacher = Tiny()
    teacher.load_state_dict(part("teacher."))
    teacher.double().eval()
    x, y = data["images"].double(), data["labels"]
    tensors = {}
    for method, gamma, weight, beta, epoch in (("saad", 1, 1, 0, 100), ("saad_g2_a10_b05", 2, 10, 0.5, 200)):
        student = Tiny()
        student.load_state_dict(part("student."))
        student.double().train()
        optimizer = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4)
        for i in (1, 2):
            noise = data["noise"][i - 1].double()
            draw, torch.randn_like = torch.randn_like, lambda images: noise / 20 / 0.001
            adv = inner(student, teacher, x, y, optimizer, step_size=2 / 255, epsilon=8 / 255, perturb_steps=10, beta=1)
            torch.randn_like = draw
            with torch.no_grad():
                clean_target, plus_target, minus_target = teacher(x), teacher(adv), teacher(x - (adv - x))
            plus, minus, clean = student(adv), student(x - (adv - x)), student(x)
            unsure = entropy(plus_target, gamma)
            w = torch.clamp(5 * (unsure - unsure.min().item()), min=0)
            scaled = (w - w.min()) / (w.max() - w.min() + 1e-8)
            gradients = weight * (epoch / 200) * divergence(plus - minus, plus_target - minus_target)
            loss = (w * (divergence(plus, plus_target) + gradients) + beta * (1 - scaled) * divergence(clean, clean_target)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            tensors |= {f"{method}.it{i}.logits": plus, f"{method}.it{i}.loss": loss.reshape(1)}
        tensors[f"{method}.adversarial"] = adv[:2]
        tensors |= {f"{method}.grad.{name}": p.grad.clone() for name, p in student.named_parameters()}
        tensors |= {f"{method}.after.{name}": value for name, value in student.state_dict().items()}
    write(f"{HERE}/tiny_saad.safetensors", tensors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
