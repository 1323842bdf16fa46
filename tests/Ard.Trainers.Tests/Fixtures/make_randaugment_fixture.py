#!/usr/bin/env python3
"""Makes randaugment.safetensors beside this file (torchvision 0.14): what the operations of torchvision's RandAugment make of two images of
three channels and two of one, at the magnitudes 9 and 30 of 30 and in both directions. Operations on floats in [0,1] where torchvision
has them, posterize and equalize on bytes.
"""
import torch
from torchvision.transforms import autoaugment
from torchvision.transforms.functional import InterpolationMode

from make_fixtures import HERE, write

OPERATIONS = {
    "Identity": "identity", "AutoContrast": "autocontrast", "Equalize": "equalize", "Rotate": "rotate", "Solarize": "solarize",
    "Color": "colour", "Posterize": "posterize", "Contrast": "contrast", "Brightness": "brightness", "Sharpness": "sharpness",
    "ShearX": "shear-x", "ShearY": "shear-y", "TranslateX": "translate-x", "TranslateY": "translate-y",
}


def images(channels, height=13, width=10):
    noise = torch.Generator().manual_seed(channels)
    ramp = torch.linspace(40, 190, height).view(1, 1, height, 1) + torch.linspace(-30, 30, width).view(1, 1, 1, width)
    found = (ramp + 25 * torch.randn(2, channels, height, width, generator=noise)).clamp(0, 255).to(torch.uint8)
    found[1, -1, :, :] = 77                                       # a channel of one value
    return found


tensors = {}
for channels in (3, 1):
    batch = images(channels)
    # Fewer pixels than levels are not equalised.
    large = images(channels, 26, 22)
    tensors[f"images.{channels}"], tensors[f"large.{channels}"] = batch.long(), large.long()
    space = autoaugment.RandAugment()._augmentation_space(31, (13, 10))
    for operation, name in OPERATIONS.items():
        magnitudes, signed = space[operation]
        for level in (9, 30):
            for sign in (1, -1) if signed else (1,):
                magnitude = sign * float(magnitudes[level]) if magnitudes.ndim > 0 else 0.0
                if operation == "Solarize":
                    magnitude /= 255
                on_bytes = operation in ("Posterize", "Equalize")
                given = large if operation == "Equalize" else batch if on_bytes else batch.float() / 255
                made = autoaugment._apply_op(given, operation, magnitude, InterpolationMode.NEAREST, None)
                tensors[f"{name}.{level}.{sign}.{channels}"] = made.float() / 255 if on_bytes else made
write(f"{HERE}/randaugment.safetensors", tensors)
