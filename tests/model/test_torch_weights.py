"""Networks of Keras compute what PyTorch's do with the weights that PyTorch saved."""

import dataclasses
import itertools
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from torch import nn

from sentiment.base.errors import UserError
from sentiment.data.decode import decode_file
from sentiment.model import numpy_file, torch_weights
from sentiment.model.build import build_model, without_head


def randomised(network: nn.Module) -> nn.Module:
    """The network with other random numbers in each of its arrays, for inference."""
    random = torch.Generator().manual_seed(1)
    for name, array in network.state_dict().items():
        if name.endswith("running_var"):
            array.uniform_(0.5, 2, generator=random)
        elif name.endswith(("running_mean", "bias")):
            array.normal_(0, 0.1, generator=random)
        elif array.ndim == 4:  # large enough that photos are told apart in the last layer
            array.normal_(0, (2 / array[0].numel()) ** 0.5, generator=random)
    return network.eval()


def small_networks() -> tuple[nn.Module, keras.Model]:
    """Every kind of layer in PyTorch, and the same in Keras."""
    original = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, eps=1e-3), nn.Conv2d(4, 4, 3, groups=4),
        nn.Flatten(), nn.Linear(4 * 4 * 5, 6), nn.Linear(6, 2), nn.Linear(2, 1000),
    )  # fmt: skip
    same = keras.Sequential([
        keras.Input((8, 9, 3)), keras.layers.Conv2D(4, 3, use_bias=False),
        keras.layers.BatchNormalization(), keras.layers.DepthwiseConv2D(3), keras.layers.Flatten(),
        keras.layers.Dense(6), keras.layers.Dense(2),
    ])  # fmt: skip
    return randomised(original), same


def test_every_kind_of_layer_computes_the_same() -> None:
    original, same = small_networks()
    given = torch_weights.layers_of({n: a.numpy() for n, a in original.state_dict().items()})
    torch_weights.set_in_order(same.layers, given, image=(4, 5, 4))
    images = np.random.default_rng(1).normal(size=(2, 8, 9, 3)).astype(np.float32)
    with torch.no_grad():
        expected = original[:-1](torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
    np.testing.assert_allclose(same.predict_on_batch(images), expected, atol=1e-5)


def test_weights_that_do_not_fit_are_told_by_name() -> None:
    original, same = small_networks()
    tensors = {n: a.numpy() for n, a in original.state_dict().items()}
    for change, expected in {
        ("0.weight", None): "1 has",
        ("0.weight", (4, 3, 3, 5)): "0 has a weight of the shape (4, 3, 3, 5); expected",
        ("4.weight", (6, 79)): "4 has a weight of the shape (6, 79); expected (6, 80)",
        ("2.bias", None): "2 has no bias; expected weight, bias",
        ("0.bias", (4,)): "0 has a bias; expected weight",
        ("9.weight", (4,)): "it has 7 layers with weights; expected 5",
    }.items():
        name, shape = change
        changed = {**tensors, name: np.zeros(shape or ())}
        if shape is None:
            del changed[name]
        with pytest.raises(ValueError, match=re.escape(expected)):
            given = torch_weights.layers_of(dict(sorted(changed.items())))
            torch_weights.set_in_order(same.layers, given, image=(4, 5, 4))


class Inverted(nn.Module):
    """A block of torchvision's MobileNetV2, by torchvision's names."""

    def __init__(self, channels: int, out: int, stride: int, expansion: int):
        super().__init__()
        inner = channels * expansion
        wide = [convolved(channels, inner, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *wide, convolved(inner, inner, 3, stride, inner),
            nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out),
        )  # fmt: skip
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.shortcut else self.conv(x)


def convolved(channels: int, out: int, side: int, stride: int = 1, groups: int = 1) -> nn.Module:
    kernel = nn.Conv2d(channels, out, side, stride, (side - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(kernel, nn.BatchNorm2d(out), nn.ReLU6())


def torchvisions_mobilenet() -> nn.Module:
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
              (6, 160, 3, 2), (6, 320, 1, 1)]  # fmt: skip
    layers, channels = [convolved(3, 32, 3, 2)], 32
    for expansion, out, count, stride in stages:
        for number in range(count):
            layers.append(Inverted(channels, out, 1 if number else stride, expansion))
            channels = out
    network = nn.Module()
    network.features = nn.Sequential(*layers, convolved(channels, 1280, 1))
    network.classifier = nn.Sequential(nn.Dropout(), nn.Linear(1280, 1000))
    return randomised(network)


@pytest.mark.slow
def test_mobilenet_v2_computes_what_torchvisions_does(shared: Path, tmp_path: Path) -> None:
    """Its photos are standardised as torchvision's are."""
    from mobilenet.architecture import ARCHITECTURE, FC

    original, file = torchvisions_mobilenet(), tmp_path / "mobilenet.pth"
    torch.save(original.state_dict(), file)
    recipe = dataclasses.replace(FC, weights=str(file))
    network = without_head(build_model(ARCHITECTURE, recipe, 3))
    files = sorted((shared / "data" / "dogs").rglob("*.jpg"))[:2]
    photos = np.stack([decode_file(photo) for photo in files])
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = ((photos / 255 - mean) / deviation).astype(np.float32).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = original.features(torch.from_numpy(pixels.copy())).mean((2, 3)).numpy()
    assert expected.std(axis=0).max() > 0.1
    np.testing.assert_allclose(network.predict_on_batch(photos), expected, atol=1e-4)


@pytest.mark.slow
def test_another_networks_state_is_refused(tmp_path: Path) -> None:
    from mobilenet.architecture import ARCHITECTURE, FC

    file = tmp_path / "other.pth"
    torch.save(nn.Linear(3, 4).state_dict(), file)
    recipe = dataclasses.replace(FC, weights=str(file))
    with pytest.raises(UserError, match=r"other\.pth: not MobileNetV2's weights \(it has 1 layers"):
        build_model(ARCHITECTURE, recipe, 3)


@pytest.mark.slow
def test_vgg19_is_filled_from_the_papers_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each layer, by the names and shapes of the published file, gets what is under its name."""
    from vgg19.architecture import ARCHITECTURE, FC, RELEASED

    widths = {64: 2, 128: 2, 256: 4, 512: 8}
    channels = [3, *(width for width, count in widths.items() for _ in range(count))]
    names = [f"conv{block}_{n}" for block, count in enumerate((2, 2, 4, 4, 4), 1)
             for n in range(1, count + 1)]  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {
        name: (out, into, 3, 3)
        for name, (into, out) in zip(names, itertools.pairwise(channels), strict=True)
    } | {"fc6_1": (4096, 25088), "fc7_1": (4096, 4096), "fc8-retrain_1": (3, 4096)}
    table = {}
    for number, (name, shape) in enumerate(shapes.items()):
        weights = np.broadcast_to(np.float32(number), shape)
        table[name] = {"weights": weights, "bias": np.ones(shape[0], "f4")}
    monkeypatch.setattr(numpy_file, "read_layers", lambda file: table)
    assert sorted(RELEASED.layers.values()) == sorted(table)
    with monkeypatch.context() as quick:  # random numbers for 140 million weights take seconds
        quick.setattr(keras.initializers.GlorotUniform, "__call__",
                      lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype))  # fmt: skip
        model = build_model(ARCHITECTURE, dataclasses.replace(FC, weights="none"), 3)
    RELEASED.set_weights(model, tmp_path)
    parts = [model.get_layer("backbone"), model.get_layer("head")]
    kernels = [layer.kernel for part in parts for layer in part.layers if layer.weights]
    assert [float(keras.ops.max(kernel)) for kernel in kernels] == list(range(len(shapes)))
