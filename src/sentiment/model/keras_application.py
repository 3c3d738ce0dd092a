"""A network of `keras.applications` with pooled features and one fully connected layer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import numpy as np


@dataclass(frozen=True)
class InPyTorch:
    """How a network differs in PyTorch from the one in `keras.applications`: not in its weights."""

    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings of layers that are others, by the layer's name or else its class."""
    padding: tuple[tuple[int, int], tuple[int, int]] | None = None
    """Zeros above, below, to the left and to the right of the image before the first layer."""
    order: "Callable[[keras.Model], Iterable[keras.Layer]]" = lambda network: network.layers
    """The layers in PyTorch's order."""
    set_weights: "Callable[[keras.Model, dict[str, np.ndarray]], None] | None" = None
    """Gives the network PyTorch's arrays by their names; None: its layers take them in order."""


def builder(
    application: str, in_pytorch: InPyTorch | None = None, **settings: object
) -> Callable[[str | None, int, int], "tuple[keras.Model, keras.Model]"]:
    """Make an `Architecture.build` of a network that is named in `keras.applications`.

    The backbone ends in global average pooling; the fully connected part is the softmax layer
    that the original has on it, for other classes.

    Args:
        in_pytorch: how weights of PyTorch, a file ending in `.pth`, are taken; None: not at all.
        settings: more arguments of the network's function in `keras.applications`.
    """

    def build(weights: str | None, classes: int, side: int) -> "tuple[keras.Model, keras.Model]":
        import keras

        from sentiment.model.torch_file import ENDING

        of_pytorch = in_pytorch if weights and weights.endswith(ENDING) else None
        image = keras.Input((side, side, 3))
        padding = of_pytorch.padding if of_pytorch else None
        backbone = getattr(keras.applications, application)(
            input_tensor=keras.layers.ZeroPadding2D(padding)(image) if padding else image,
            include_top=False, pooling="avg", weights=None if of_pytorch else weights, **settings,
        )  # fmt: skip
        if of_pytorch and weights:
            backbone = _with_weights_of_pytorch(backbone, of_pytorch, Path(weights))
        return backbone, softmax_head(backbone.output_shape[1], classes)

    return build


def _with_weights_of_pytorch(network: "keras.Model", form: InPyTorch, file: Path) -> "keras.Model":
    """The network as it is in PyTorch, with the weights in a file.

    Raises:
        UserError: the file cannot be read.
        ValueError: it is of another network.
    """
    import keras

    from sentiment.model import torch_weights
    from sentiment.model.torch_file import read_tensors

    def as_in_pytorch(layer: keras.Layer) -> keras.Layer:
        changed = form.settings.get(layer.name, form.settings.get(type(layer).__name__, {}))
        return type(layer).from_config({**layer.get_config(), **changed})

    tensors = read_tensors(file)
    made = keras.models.clone_model(network, clone_function=as_in_pytorch)
    if form.set_weights:
        form.set_weights(made, tensors)
    else:
        torch_weights.set_in_order(form.order(made), torch_weights.layers_of(tensors))
    return made


def softmax_head(features: int, classes: int) -> "keras.Model":
    """One fully connected layer from so many features to probabilities, in float32."""
    import keras

    return keras.Sequential([
        keras.Input((features,)),
        keras.layers.Dense(classes, activation="softmax", dtype="float32"),
    ])  # fmt: skip
