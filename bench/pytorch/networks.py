"""ResNet-18 and MobileNetV2 in the shape used for CIFAR, in plain PyTorch: layers and names are those of Ard.Trainers.Networks.

Where an operation may work in place, it does, here as there, so that the two sides move the same amount of memory; IN_PLACE = False is what
the released code of ARD has: outputs of their own for ReLU, and for the additions of MobileNetV2.
"""
import torch.nn as nn
import torch.nn.functional as F


IN_PLACE = True


def conv3x3(inputs, outputs, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, groups=groups, bias=False)


def conv1x1(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)


def relu(x):
    return F.relu(x, inplace=IN_PLACE)


def add(y, x):
    return y.add_(x) if IN_PLACE else y + x


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv3x3(outputs, outputs), nn.BatchNorm2d(outputs)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return relu(y.add_(x if self.shortcut is None else self.shortcut(x)))


class ResNet18(nn.Module):
    """He et al., CVPR 2016: a 3x3 stem without pooling, four stages of two blocks."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(3, 64), nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1))
        self.linear = nn.Linear(512, classes)

    def forward(self, x):
        x = relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.linear(x.mean((2, 3)))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        width = expansion * inputs
        self.conv1, self.bn1 = conv1x1(inputs, width), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv3x3(width, width, stride, groups=width), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv1x1(width, outputs), nn.BatchNorm2d(outputs)
        self.residual = stride == 1
        self.shortcut = None
        if self.residual and inputs != outputs:
            self.shortcut = nn.Sequential(conv1x1(inputs, outputs), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        y = relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if not self.residual:
            return y
        return add(y, x if self.shortcut is None else self.shortcut(x))


class MobileNetV2(nn.Module):
    """Sandler et al., CVPR 2018, with strides for 32x32 images and ReLU."""

    GROUPS = [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]

    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(3, 32), nn.BatchNorm2d(32)
        layers, inputs = [], 32
        for expansion, outputs, count, stride in self.GROUPS:
            for i in range(count):
                layers.append(InvertedResidual(inputs, outputs, expansion, stride if i == 0 else 1))
                inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.conv2, self.bn2 = conv1x1(320, 1280), nn.BatchNorm2d(1280)
        self.linear = nn.Linear(1280, classes)

    def forward(self, x):
        x = relu(self.bn1(self.conv1(x)))
        x = relu(self.bn2(self.conv2(self.layers(x))))
        return self.linear(x.mean((2, 3)))
