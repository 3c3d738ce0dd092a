"""A small network of which models are published, in a checkout, and such a model in PyTorch."""

import pickle
from pathlib import Path

import numpy as np

from helpers import small_checkout

ARCHITECTURE = '''"""A small network of which models are published."""

import keras
from keras import layers

from sentiment.model.recipe import Architecture, Recipe
from sentiment.model.released import Released


def build(weights, classes, side):
    backbone = keras.Sequential([
        keras.Input((side, side, 3)), layers.Conv2D(4, 3, 4, activation="relu", name="block1"),
        layers.Conv2D(6, 3, 8, activation="relu", name="block2"),
    ])
    head = keras.Sequential([
        keras.Input(backbone.output_shape[1:]), layers.Flatten(),
        layers.Dense(5, activation="relu", name="fc1"),
        layers.Dense(classes, activation="softmax", name="fc2"),
    ])
    return keras.Model(backbone.inputs, backbone.outputs), head


RELEASED = Released(
    "others", ("negative", "neutral", "positive"), (130.5, 121.25, 116.75),
    {"block1": "conv1", "block2": "conv2", "fc1": "fc6", "fc2": "fc8-retrain"},
)
ARCHITECTURE = Architecture("tinynet", "Tinynet", "caffe", build, False, released=RELEASED)
FC = Recipe(layers="fc", weights="none", batch_size=16)
ALL = Recipe(layers="all", weights="none", batch_size=16)
'''

MEAN_BGR = (116.75, 121.25, 130.5)


def checkout(folder: Path) -> Path:
    """A copy of the checkout with the small network."""
    (small_checkout.make(folder) / "architecture.py").write_text(ARCHITECTURE)
    return folder


class Original:
    """The same network in PyTorch, with random weights of its own."""

    def __init__(self, seed: int):
        import torch
        from torch import nn

        torch.manual_seed(seed)
        self.layers = {
            "conv1": nn.Conv2d(3, 4, 3, 4), "conv2": nn.Conv2d(4, 6, 3, 8),
            "fc6": nn.Linear(6 * 7 * 7, 5), "fc8-retrain": nn.Linear(5, 3),
        }  # fmt: skip
        conv1, conv2, fc6, fc8 = self.layers.values()
        self.network = nn.Sequential(
            conv1, nn.ReLU(), conv2, nn.ReLU(), nn.Flatten(), fc6, nn.ReLU(), fc8, nn.Softmax(1)
        )

    @property
    def table(self) -> dict[str, dict[str, np.ndarray]]:
        """Its weights as they are published."""
        return {
            name: {"weights": layer.weight.detach().numpy(), "bias": layer.bias.detach().numpy()}
            for name, layer in self.layers.items()
        }

    def save(self, file: Path, **changed: object) -> Path:
        """Publish it; a layer that is changed to None is left out."""
        table = {n: layer for n, layer in (self.table | changed).items() if layer is not None}
        file.write_bytes(pickle.dumps(table, 2))
        return file

    def predict(self, photos: np.ndarray) -> np.ndarray:
        """Probabilities for photos, uint8 RGB (n, 224, 224, 3): float32 (n, 3)."""
        import torch

        pixels = photos[..., ::-1].astype(np.float32) - np.array(MEAN_BGR, np.float32)
        with torch.no_grad():
            inputs = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
            return self.network(inputs).numpy()
