# Records what public definitions of networks say, as Fixture.cs reads it: python3 record.py ROBUSTBENCH, a clone of RobustBench's
# repository; PyTorch and torchvision as Debian 12 has them. Writes the files torchvision-*.txt, robustbench-*.txt and
# preactresnet18-input_shortcut.txt beside itself.
import importlib.util
import os
import sys

import torch
import torch.nn.functional as F
import torchvision


def definitions(name):
    path = os.path.join(sys.argv[1], "robustbench/model_zoo/architectures", name + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def series(shape, k):
    n = torch.Size(shape).numel()
    i = torch.arange(n, dtype=torch.int64)
    return (((i * 7919 + k * 104729 + 12345) % 65521).double() / 65521.0 - 0.5).reshape(shape)


def fill(network):
    state = network.state_dict()
    for k, name in enumerate(sorted(state)):
        target = state[name]
        v = series(target.shape, k)
        if name.endswith("num_batches_tracked"):
            target.zero_()
        elif target.dim() > 1:
            target.copy_(v * (2 * (6.0 / (target.numel() / target.shape[0])) ** 0.5))
        elif name.endswith("running_var"):
            target.copy_(v + 1)
        elif name.endswith("running_mean") or name.endswith("bias"):
            target.copy_(v * 0.2)
        else:
            target.copy_(v / 2 + 1)


def train(network, mode):
    network.train(mode)
    for module in network.modules():  # what is random cannot be compared
        if isinstance(module, torch.nn.Dropout):
            module.eval()


def record(name, network, size):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".txt"), "w") as out:
        state = network.state_dict()
        print("parameters", sum(p.numel() for p in network.parameters()), file=out)
        for key, value in state.items():
            print(f"{key} [{','.join(map(str, value.shape))}]", file=out)
        network.double()
        if hasattr(network, "mean"):  # not rounded to float32
            network.mean.copy_(torch.tensor(dm.CIFAR10_MEAN, dtype=torch.double).view(3, 1, 1))
            network.std.copy_(torch.tensor(dm.CIFAR10_STD, dtype=torch.double).view(3, 1, 1))
        fill(network)
        line = lambda title, values: print(title, *[repr(v) for v in values.flatten().tolist()], file=out)
        for mode in ["eval", "train"]:
            train(network, mode == "train")
            images = (series([2, 3, *size], 1000) + 0.5).requires_grad_()
            logits = network(images)
            loss = F.cross_entropy(logits, torch.tensor([3, 7]), reduction="sum")
            gradient, = torch.autograd.grad(loss, images)
            line(f"{mode}.logits", logits)
            line(f"{mode}.input_gradient", gradient.flatten()[::307])
        train(network, False)
        line("after.logits", network(series([2, 3, *size], 1000) + 0.5))


dm, resnet = definitions("dm_wide_resnet"), definitions("resnet")
record("torchvision-resnet18", torchvision.models.resnet18(num_classes=10), (64, 96))
record("torchvision-resnet34", torchvision.models.resnet34(num_classes=10), (64, 96))
record("torchvision-resnet50", torchvision.models.resnet50(num_classes=10), (64, 96))
record("torchvision-mobilenetv2", torchvision.models.mobilenet_v2(num_classes=10), (64, 96))
record("robustbench-wideresnet-16-2", dm.DMWideResNet(10, 16, 2, torch.nn.SiLU), (32, 32))
record("robustbench-preactresnet18", dm.DMPreActResNet(10, 18, activation_fn=torch.nn.SiLU), (32, 32))
record("preactresnet18-input_shortcut", resnet.PreActResNet(resnet.PreActBlock, [2, 2, 2, 2]), (32, 32))
