"""The same first weights for every side of the whole job: a file for Keras, one for PyTorch.

It is a process of its own, so that what Keras' start sets in its environment stays there.
"""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment.base import cli
from sentiment.engine import backend
from sentiment.model import networks
from sentiment.model.networks import Network

if TYPE_CHECKING:
    import keras

KERAS, PYTORCH = "first.weights.h5", "first.pth"
"""Names of the files: Keras' weights, and the state of PyTorch's network."""


def write(network: Network, weights: str, folder: Path) -> dict[str, str]:
    """Write a network's first weights, without its fully connected layers; Keras has been started.

    Args:
        weights: imagenet, none (random), or a file in Keras' format.

    Returns:
        For "keras" and "pytorch", why the ordinary script cannot train the network; empty if it
        can.

    Raises:
        UserError: the weights are another network's, or cannot be downloaded.
    """
    import keras

    from sentiment.model.build import build_model

    recipe = dataclasses.replace(network.recipes["fc"], weights=weights)
    whole = build_model(network.architecture, recipe, classes=2)
    backbone = whole.get_layer("backbone")
    backbone.save_weights(folder / KERAS)
    plain = len(whole.get_layer("head").get_weights()) == 2
    known = hasattr(keras.applications, application(network))
    return {
        "keras": "" if plain and known else "keras.applications does not have the network",
        "pytorch": _write_for_pytorch(backbone, folder / PYTORCH),
    }


def application(network: Network) -> str:
    """The name that a network has in `keras.applications`, if it is there."""
    return network.architecture.title.replace("-", "")


def _write_for_pytorch(backbone: "keras.Model", file: Path) -> str:
    """Write the state of PyTorch's network; return why not, or nothing."""
    if not importlib.util.find_spec("torch"):
        return "torch is not installed"
    import torch

    from sentiment.benchmark import ordinary_pytorch

    try:
        torch.save(in_pytorch(backbone, ordinary_pytorch.mobilenet_v2().state_dict()), file)
    except ValueError:
        return "the script has MobileNetV2 alone"
    return ""


def in_pytorch(network: "keras.Model", state: dict) -> dict:
    """A PyTorch network's state with the weights of the same network in Keras.

    Raises:
        ValueError: it is another network.
    """
    import torch

    given = [_turned(layer, array) for layer in network.layers for array in layer.get_weights()]
    names = [name for name in state if not name.endswith("num_batches_tracked")]
    taken = {n: torch.from_numpy(a) for n, a in zip(names, given, strict=True)}
    if any(state[name].shape != array.shape for name, array in taken.items()):
        raise ValueError("layers of another shape")
    return state | taken


def _turned(layer: "keras.Layer", array: np.ndarray) -> np.ndarray:
    """An array of a layer in PyTorch's order; see `sentiment.model.torch_weights`."""
    if array.ndim < 4:
        return array
    depthwise = type(layer).__name__ == "DepthwiseConv2D"
    return np.ascontiguousarray(array.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)))


@cli.command()
def main() -> None:
    """Write the weights that the command line names, and print what `write` returns as JSON."""
    network, weights, folder = sys.argv[1:]
    backend.start(seed=1)
    print(json.dumps(write(networks.named(network), weights, Path(folder))))


if __name__ == "__main__":
    main()
