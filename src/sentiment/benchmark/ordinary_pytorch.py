"""Transfer learning as PyTorch's tutorial does it: a script that needs no part of this project.

Command:

    python src/sentiment/benchmark/ordinary_pytorch.py PHOTOS --weights FILE --out DIR

PHOTOS holds train, valid and test, with a folder a class in each. A new layer on the frozen network
learns first, then the whole network with a low rate, batch normalisation as in inference
(https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html). Workers decode the
photos, a process a core, in every epoch as torchvision's ImageFolder does; the network computes in
channels last. After each of the two, JSON says how many test photos the best epoch has right.
"""

import argparse
import copy
import json
import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIDE = 224
FEATURES = 1280
"""Features of MobileNetV2."""
BLOCKS = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
)  # fmt: skip
"""Expansion, channels, repeats and stride of its blocks (Sandler et al., 2018, Table 2)."""
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def main() -> None:
    """Train the new layer, then the whole network, and test both."""
    options = arguments()
    torch.manual_seed(1)
    train, validation, test = (
        loader(options.photos / split, options.batch_size) for split in ("train", "valid", "test")
    )
    base = mobilenet_v2()
    if options.weights != "none":
        base.load_state_dict(torch.load(options.weights, weights_only=True))
    classes = len([*(options.photos / "train").iterdir()])
    network = nn.Sequential(base, nn.Linear(FEATURES, classes))
    network = network.to(DEVICE, memory_format=torch.channels_last)
    base.requires_grad_(False)
    for number, (rate, epochs) in enumerate(zip(options.rates, options.epochs, strict=True)):
        if number:
            base.requires_grad_(True)
            for layer in base.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.requires_grad_(False)
        learn(network, train, validation, rate, epochs)
        torch.save(network.state_dict(), options.out / f"ordinary_{number}.pth")
        _, correct = passed(network, test)
        print(json.dumps({"test_photos": len(test.dataset), "correct": correct}), flush=True)


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--weights", default="none", help="none, or a state dict of mobilenet_v2()")
    parser.add_argument("--epochs", type=int, nargs=2, default=(15, 3))
    parser.add_argument("--rates", type=float, nargs=2, default=(0.03, 0.0001))
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the two models")
    return parser.parse_args()


class Photos(Dataset):
    """Photos in a folder a class, decoded when they are asked for."""

    def __init__(self, folder: Path):
        classes = sorted(folder.iterdir())
        self.photos = [
            (path, n) for n, name in enumerate(classes) for path in sorted(name.iterdir())
        ]

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        path, label = self.photos[row]
        with Image.open(path) as photo:
            small = photo.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(small)).permute(2, 0, 1) / 127.5 - 1, label


def loader(folder: Path, batch_size: int) -> DataLoader:
    """Batches of photos, float32 (b, 3, 224, 224) in [-1, 1], and labels, int64 (b,)."""
    return DataLoader(
        Photos(folder), batch_size, shuffle=folder.name == "train", num_workers=os.cpu_count() or 1,
        persistent_workers=True, pin_memory=DEVICE.type == "cuda",
    )  # fmt: skip


def convolution(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """A convolution and its batch normalisation, padded as in Keras: below and to the right."""
    layers: list[nn.Module] = [] if stride == 1 else [nn.ZeroPad2d((0, 1, 0, 1))]
    padding = kernel // 2 if stride == 1 else 0
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    return [*layers, conv, nn.BatchNorm2d(outputs, eps=1e-3)]


class Block(nn.Sequential):
    """An inverted residual: expand, filter each channel, project."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int):
        wide = inputs * expansion
        expand = [*convolution(inputs, wide), nn.ReLU6(inplace=True)] if expansion > 1 else []
        each = [*convolution(wide, wide, 3, stride, groups=wide), nn.ReLU6(inplace=True)]
        super().__init__(*expand, *each, *convolution(wide, outputs))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = super().forward(images)
        return images + found if self.residual else found


def mobilenet_v2() -> nn.Sequential:
    """torchvision's `mobilenet_v2` without its last layer, padded so that Keras' weights fit it."""
    layers, channels = [*convolution(3, 32, 3, 2), nn.ReLU6(inplace=True)], 32
    for expansion, outputs, repeats, stride in BLOCKS:
        for number in range(repeats):
            layers.append(Block(channels, outputs, expansion, 1 if number else stride))
            channels = outputs
    last = [*convolution(channels, FEATURES), nn.ReLU6(inplace=True)]
    return nn.Sequential(*layers, *last, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def learn(
    network: nn.Sequential, train: DataLoader, validation: DataLoader, rate: float, epochs: int
) -> None:
    """Train, a tenth of the rate every 5 epochs, and keep the epoch of the best validation loss."""
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(learning, rate, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.1)
    best, kept = float("inf"), network.state_dict()
    for epoch in range(epochs):
        loss, correct = passed(network, train, optimizer)
        schedule.step()
        val_loss, val_correct = passed(network, validation)
        print(f"epoch {epoch + 1}/{epochs}: loss {loss:.4f}, {correct} right; "
              f"val_loss {val_loss:.4f}, {val_correct} right")  # fmt: skip
        if val_loss < best:
            best, kept = val_loss, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)


def passed(
    network: nn.Sequential, batches: DataLoader, optimizer: torch.optim.Optimizer | None = None
) -> tuple[float, int]:
    """Mean loss over all photos, and how many are right; an optimiser learns from them."""
    network.eval()  # also in training, for the batch normalisation, and nothing else depends on it
    total, correct = 0.0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for pixels, labels in batches:
            pixels = pixels.to(DEVICE, non_blocking=True, memory_format=torch.channels_last)
            labels = labels.to(DEVICE, non_blocking=True)
            outputs = network(pixels)
            loss = nn.functional.cross_entropy(outputs, labels)
            if optimizer:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(labels)
            correct += int((outputs.argmax(1) == labels).sum())
    return total / len(batches.dataset), correct


if __name__ == "__main__":
    main()
