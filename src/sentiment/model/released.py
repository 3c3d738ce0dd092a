"""Trained models of a network that others have published: what their files hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.base.errors import UserError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Released:
    """What a network's folder says of models that others have trained and published.

    Their files are NumPy's pickles of `{layer: {"weights": array, "bias": array}}` in PyTorch's
    order of axes (`numpy_file`, `torch_weights`); their images are BGR less a mean pixel, as Caffe
    has them.
    """

    source: str
    """Who published them, and where."""
    class_names: tuple[str, ...]
    """Classes in the order of the model's probabilities."""
    mean: tuple[float, float, float]
    """The mean pixel: red, green, blue."""
    layers: Mapping[str, str]
    """The file's name of each layer, by Keras' name."""

    def set_weights(self, model: "keras.Model", file: Path) -> None:
        """Give a built model the weights in a file.

        Raises:
            UserError: the file cannot be read, or is of another network.
        """
        from sentiment.model import numpy_file, torch_weights

        given = numpy_file.read_layers(file)
        backbone, head = model.get_layer("backbone"), model.get_layer("head")
        image = backbone.output_shape[1:]
        for name, original in self.layers.items():
            if original not in given:
                raise UserError(f"{file}: has no layer {original}; expected that of {self.source}")
            parts = given.pop(original)  # its memory is given back as soon as it is used
            renamed = {("weight" if part == "weights" else part): a for part, a in parts.items()}
            in_head = name in [layer.name for layer in head.layers]
            layer = (head if in_head else backbone).get_layer(name)
            try:
                torch_weights.set_layer(layer, original, renamed, image)
            except ValueError as error:
                raise UserError(f"{file}: {error}") from None
            if in_head:
                image = None  # the next ones follow no image
