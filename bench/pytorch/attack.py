"""The PyTorch side of `./ard bench attack`: the original AutoAttack (github.com/fra31/auto-attack), run when told to.

    python3 attack.py --threads N --state FILE.safetensors --autoattack DIR

FILE holds images [N,C,H,W] in [0,1], labels [N], epsilon [1] and the state dict net.* of a `smallcnn`: two convolutions (kernel 4, stride 2,
padding 1) and two linear layers with ReLU between. DIR is a checkout of the original.

One line when ready: ready {"torch": "...", "threads": N}. Then one line in, one line out:

    run standard            AutoAttack standard, Linf, on all points -> {"seconds": S, "robust": R}
    quit, or end of input   ends it
"""
import argparse
import json
import sys
import time

import torch
from torch import nn

from step import read_safetensors


def small_cnn(state):
    weights = {name[len("net."):]: value for name, value in state.items() if name.startswith("net.")}
    first, second, hidden, last = weights["0.weight"], weights["2.weight"], weights["5.weight"], weights["7.weight"]
    network = nn.Sequential(
        nn.Conv2d(first.shape[1], first.shape[0], 4, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(second.shape[1], second.shape[0], 4, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(hidden.shape[1], hidden.shape[0]), nn.ReLU(), nn.Linear(last.shape[1], last.shape[0]))
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--autoattack", required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sys.path.insert(0, arguments.autoattack)
    from autoattack import AutoAttack

    state = read_safetensors(arguments.state)
    network, images, labels, epsilon = small_cnn(state), state["images"], state["labels"], state["epsilon"].item()

    def run():
        began = time.perf_counter()
        attack = AutoAttack(network, norm="Linf", eps=epsilon, version="standard", device="cpu", verbose=False)
        points = attack.run_standard_evaluation(images, labels, bs=len(images))
        seconds = time.perf_counter() - began
        with torch.no_grad():
            robust = (network(points).argmax(1) == labels).sum().item()
        return {"seconds": seconds, "robust": robust}

    print("ready", json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            break
        print(json.dumps(run() if words == ["run", "standard"] else {"error": f"expected 'run standard', found '{line.strip()}'"}), flush=True)


if __name__ == "__main__":
    main()
