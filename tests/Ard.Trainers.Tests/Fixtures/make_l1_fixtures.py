#!/usr/bin/env python3
"""Makes the fixtures of FAB and Square in L1 with AutoAttack's own code (recorded at a392200, PyTorch 1.13, CPU).

Arguments: a checkout of github.com/fra31/auto-attack; then, for aa_cnn_a_l1_6.safetensors, the folder of the recorded traces (for
cnn_a_weights.safetensors) and CIFAR-10's test_batch.bin. Without them only l1_steps.safetensors is made, which takes seconds.

l1_steps.safetensors: every point that FAB, aimed at the runner-up, and Square send through a small network, with what Square has drawn.
aa_cnn_a_l1_6.safetensors: which of 256 images AutoAttack's standard version leaves robust at L1 6, named as in the traces of Linf and L2.
"""
import os
import sys
import time

import torch

from make_fixtures import HERE, read, write


class Recorder:
    def __init__(self, network):
        self.network, self.inputs = network, []

    def __call__(self, x):
        self.inputs.append(x.detach().clone())
        return self.network(x)


def fab_steps(tensors, steps=10, count=30, values=48):
    from autoattack.fab_pt import FABAttack_PT

    first, second = torch.randn(values, 40) * 0.5, torch.randn(40, 4)
    network = Recorder(lambda x: torch.tanh((x - 0.5) @ first) @ second)
    # Some values at the ends of the box.
    images = (torch.rand(count, values) * 1.2 - 0.1).clamp(0, 1)
    labels = network(images).argmax(1)
    attack = FABAttack_PT(network, norm="L1", n_iter=steps, targeted=True, eps=1.0, device="cpu")
    attack.target_class = 2
    network.inputs = []
    found = attack.attack_single_run(images, labels, is_targeted=True)
    # The clean images twice; then in each step the point that the gradient is taken at and the next one.
    tensors.update({"fab.first": first, "fab.second": second, "fab.images": images, "fab.labels": labels})
    tensors.update({f"fab.step{step}": network.inputs[3 + 2 * step] for step in range(steps)})
    tensors["fab.sizes"] = (found - images).abs().sum(1)


def square_steps(tensors, queries=60, channels=2, side=10, epsilon=4.0):
    from autoattack.square import SquareAttack

    state = {"calls": 0}

    def always_better(x):
        # The label's lead shrinks from query to query, so that every try is taken.
        state["calls"] += 1
        return torch.tensor([[1.0, 0.0]]).repeat(len(x), 1) / state["calls"]

    network = Recorder(always_better)
    images = torch.rand(1, channels, side, side)
    attack = SquareAttack(network, norm="L1", n_queries=queries, eps=epsilon, device="cpu", resc_schedule=False)
    attack.init_hyperparam(images)
    draws = []
    integers, signs, bump = attack.random_int, attack.random_choice, attack.eta

    def random_int(low=0, high=1, shape=[1]):
        draws.append(integers(low, high, shape).reshape(1).float())
        return draws[-1].long()

    def random_choice(shape):
        drawn = signs(shape)
        draws.append(drawn.reshape(-1))
        return drawn

    def eta(size):
        # A bump is upright or turned by a draw of its own: its first row is of one sign where it is upright.
        made = bump(size)
        upright = size == 1 or bool((made[0] > 0).all())
        draws.append(torch.tensor([0.0 if upright else 1.0]))
        return made

    attack.random_int, attack.random_choice, attack.eta = random_int, random_choice, eta
    attack.attack_single_run(images, torch.zeros(1, dtype=torch.long))
    tensors["square.points"] = torch.cat(network.inputs)
    tensors["square.images"], tensors["square.epsilon"] = images, torch.tensor([epsilon])
    # For each bump of the start: turned or not, the sign of each channel; for each query: rows and columns of both windows, then the same.
    tiles = (side // (side // 5)) ** 2
    tensors["square.start"] = torch.stack([torch.cat(draws[2 * i:2 * i + 2]) for i in range(tiles)])
    rest = draws[2 * tiles:]
    tensors["square.draws"] = torch.stack([torch.cat(rest[6 * i:6 * i + 6]) for i in range(queries)])


def problem(traces, batch, count=256):
    weights = read(f"{traces}/cnn_a_weights.safetensors")
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 4, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 4, 2, 1), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(2048, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10))
    network.load_state_dict({name[4:]: value for name, value in weights.items() if name.startswith("net.")})
    mean, std = (weights[f"normalisation.{name}"].reshape(3, 1, 1) for name in ("mean", "std"))
    network.eval()
    with open(batch, "rb") as file:
        rows = torch.frombuffer(bytearray(file.read(count * 3073)), dtype=torch.uint8).reshape(count, 3073)
    labels, images = rows[:, 0].long(), rows[:, 1:].reshape(count, 3, 32, 32).float() / 255
    assert labels.equal(weights["labels"][:count])
    return (lambda x: network((x - mean) / std)), images, labels


def standard_version(traces, batch, epsilon=6.0):
    from autoattack import AutoAttack

    model, images, labels = problem(traces, batch)
    adversary = AutoAttack(model, norm="L1", eps=epsilon, seed=0, device="cpu", verbose=False)
    order = list(adversary.attacks_to_run)
    with torch.no_grad():
        correct = model(images).argmax(1).eq(labels)

    def left_by(attack, before):
        start = time.time()
        adversary.attacks_to_run = [attack]
        left = before.clone()
        points = adversary.run_standard_evaluation(images[before], labels[before], bs=250)
        with torch.no_grad():
            left[before] = model(points).argmax(1).eq(labels[before])
        print(attack, int(before.sum()), "->", int(left.sum()), f"{time.time() - start:.0f} s", flush=True)
        return left

    tensors, left = {"eps": torch.tensor([epsilon]), "clean.correct": correct}, correct
    for attack in order:
        first = attack == order[0]
        left = left_by(attack, left)
        tensors[f"seq.{attack}.robust"] = left
        tensors[f"alone.{attack}.robust"] = left if first else left_by(attack, correct)
    write(f"{HERE}/aa_cnn_a_l1_6.safetensors", tensors)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    torch.set_num_threads(1)
    torch.manual_seed(7)
    recorded = {}
    fab_steps(recorded)
    square_steps(recorded)
    write(f"{HERE}/l1_steps.safetensors", recorded)
    if len(sys.argv) > 3:
        standard_version(sys.argv[2], sys.argv[3])
