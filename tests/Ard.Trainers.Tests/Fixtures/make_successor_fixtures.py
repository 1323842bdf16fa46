#!/usr/bin/env python3
"""Makes the fixtures of ARD's successors beside this file (PyTorch 1.13 or newer, CPU), with the network and the data of make_fixtures.py.

tiny_successors.safetensors: training iterations of the tiny network, computed here in float64 with all passes, in the order in which the
released code of each method has them. Every pass has its graph, also those whose gradient is 0.
successor_logits.safetensors: logits and losses cut from the recorded runs of RSLAD and AdaAD (argument: their folder).
"""
import sys

import torch
import torch.nn.functional as F

from make_fixtures import HERE, Tiny, attack, kl, read, write

EPSILON, STEP, STEPS = 8 / 255, 2 / 255, 10


def mean_over_batch(prediction, target, temperature=1):
    return kl(prediction, target, temperature, "batchmean")


def in_eval(student, search):
    student.eval()
    found = search()
    student.train()
    return found


def adaptive(student, teacher, x, noise):
    return in_eval(student, lambda: attack(
        student, x, x + noise / 20, EPSILON, STEP, STEPS, lambda a: kl(student(a), teacher(a), 1, "sum")))


def rslad(student, teacher, x, y, noise, epoch):
    target = teacher(x).detach()
    adv = in_eval(student, lambda: attack(
        student, x, x + noise / 20, EPSILON, STEP, STEPS, lambda a: kl(student(a), target, 1, "sum")))
    attacked, clean = student(adv), student(x)
    # Of the batch mean a tenth: what the released code has for 10 classes (mean over all) and for 100 (ten times the mean over all).
    return adv, attacked, (5 / 6 * mean_over_batch(attacked, target) + 1 / 6 * mean_over_batch(clean, target)) / 10


def adaad(student, teacher, x, y, noise, epoch, alpha=1):
    adv = adaptive(student, teacher, x, noise)
    clean, attacked = student(x), student(adv)
    return adv, attacked, (alpha * kl(attacked, teacher(adv).detach(), 1, "mean")
                           + (1 - alpha) * kl(clean, teacher(x).detach(), 1, "mean"))


def introspective(student, x, y, attacked, target, guide, temperature, alpha, partial, weighted):
    """The loss of IAD-I, point by point; it sends the clean images through the student, for each term that wants them."""
    trust = torch.stack([guide.softmax(1)[i, c] ** 0.1 for i, c in enumerate(y)]).detach() if partial else torch.ones(len(y)).double()
    rows = F.kl_div(F.log_softmax(attacked / temperature, 1), F.softmax(target.detach() / temperature, 1), reduction="none").sum(1)
    loss = alpha * temperature ** 2 * ((rows * trust) if weighted else rows).mean()
    if partial:
        own = F.softmax(student(x), 1)
        loss = loss + alpha * ((1 - trust) * (own * (own.log() - F.log_softmax(attacked, 1))).sum(1)).mean()
    return loss + (1 - alpha) * F.cross_entropy(student(x), y)


def iad(student, teacher, x, y, noise, epoch, temperature=1, alpha=1, weighted=False):
    adv = attack(student, x, x + noise, EPSILON, STEP, STEPS, lambda a: F.cross_entropy(student(a), y, reduction="sum"))
    attacked = student(adv)
    student(adv)
    return adv, attacked, introspective(
        student, x, y, attacked, teacher(x), teacher(adv), temperature, alpha, epoch >= 60, weighted)


def adaiad(student, teacher, x, y, noise, epoch, temperature=30, alpha=1):
    adv = adaptive(student, teacher, x, noise)
    student(x)
    attacked = student(adv)
    return adv, attacked, introspective(student, x, y, attacked, teacher(adv), teacher(adv), temperature, alpha, epoch >= 60, False)


def igdm(host, weight, epochs):
    def run(student, teacher, x, y, noise, epoch):
        adv, attacked, loss = host(student, teacher, x, y, noise, epoch)
        delta = adv - x
        ours, theirs = student(x + delta) - student(x - delta), (teacher(x + delta) - teacher(x - delta)).detach()
        return adv, attacked, loss + weight * (epoch + 1) / epochs * mean_over_batch(ours, theirs)
    return run


def ard(student, teacher, x, y, noise, epoch):
    adv = attack(student, x, x + noise, EPSILON, STEP, STEPS, lambda a: F.cross_entropy(student(a), y, reduction="sum"))
    attacked = student(adv)
    student(x)
    return adv, attacked, 900 * kl(attacked, teacher(x).detach(), 30, "mean")


def successors():
    data = read(f"{HERE}/tiny_objectives.safetensors")
    part = lambda prefix: {name[len(prefix):]: value for name, value in data.items() if name.startswith(prefix)}
    teacher = Tiny()
    teacher.load_state_dict(part("teacher."))
    teacher.double().eval()
    methods = {
        "rslad": (rslad, 0), "adaad": (adaad, 0),
        "adaad_a05": (lambda *a: adaad(*a, alpha=0.5), 0),
        "iad_before": (iad, 59), "iad": (iad, 60),
        "iad_t5_a07_weighted": (lambda *a: iad(*a, temperature=5, alpha=0.7, weighted=True), 199),
        "adaiad_before": (adaiad, 59), "adaiad_a05": (lambda *a: adaiad(*a, alpha=0.5), 60), "adaiad": (adaiad, 60),
        "rslad+igdm": (igdm(rslad, 10, 200), 99), "ard+igdm": (igdm(ard, 1, 200), 199)}
    tensors = {}
    for method, (run, epoch) in methods.items():
        student = Tiny()
        student.load_state_dict(part("student."))
        student.double().train()
        optimizer = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4)
        for i in (1, 2):
            adv, logits, loss = run(student, teacher, data["images"].double(), data["labels"], data["noise"][i - 1].double(), epoch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            tensors |= {f"{method}.it{i}.logits": logits, f"{method}.it{i}.loss": loss.reshape(1)}
        # Of the last iteration alone: the first one decides its logits, so that nothing goes unseen.
        tensors[f"{method}.adversarial"] = adv[:2]
        tensors |= {f"{method}.grad.{name}": p.grad.clone() for name, p in student.named_parameters()}
        tensors |= {f"{method}.after.{name}": value for name, value in student.state_dict().items()}
    write(f"{HERE}/tiny_successors.safetensors", tensors)


def cut_logits(traces):
    run = read(f"{traces}/successors_wrn10_1.safetensors")
    names = {"rslad": ("train_forward1.adv_logits", "train_forward2.clean_logits", "teacher_logits", "loss"),
             "adaad": ("train_forward2.adv_logits", "teacher_adv_logits", "loss")}
    write(f"{HERE}/successor_logits.safetensors", {
        f"{kind}{method}.{name}": run[f"{kind}{method}.{name}"]
        for method, parts in names.items() for name in parts for kind in ("", "float64.")})


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        cut_logits(sys.argv[1])
    successors()
