"""Temperature scaling (Guo et al., 2017): a model's logits divided by one number.

The number is inside the model: kernel and bias of its last layer, Dense with softmax, have been
divided by it. That changes no label and needs no further layer, so all that takes a model takes a
calibrated one. The model's card says the number.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.base.errors import UserError

if TYPE_CHECKING:
    import keras

CALIBRATION = "calibration"
"""The card's entry of a calibrated model: the temperature, what it was fitted on, and what it
changed there."""


def of_card(card: dict) -> float:
    """What a model's logits have been divided by; 1 if it is not calibrated."""
    return card.get(CALIBRATION, {}).get("temperature", 1.0)


def in_words(card: dict) -> str:
    """Such as `temperature 1.37, fitted on 90 validation images of t4sa`; empty if a model is not
    calibrated."""
    if not (entry := card.get(CALIBRATION)):
        return ""
    images = f"{entry['n']:,} {entry['split']} images of {entry['dataset']}"
    return f"temperature {entry['temperature']:.4g}, fitted on {images}"


def last_layer(model: "keras.Model", path: Path) -> "keras.layers.Dense":
    """The layer that gives a model's probabilities.

    Args:
        path: the model's file, for the message.

    Raises:
        UserError: it is not Dense with softmax.
    """
    import keras

    layer = model
    while isinstance(layer, keras.Model):
        layer = layer.layers[-1]
    softmax = getattr(layer, "activation", None) is keras.activations.softmax
    if not isinstance(layer, keras.layers.Dense) or not softmax:
        raise UserError(
            f"{path}: its last layer, {layer.name}, is not Dense with softmax, whose logits a "
            "temperature divides"
        )
    return layer


def divide(layer: "keras.layers.Dense", temperature: float) -> None:
    """Divide a layer's logits, by its kernel and bias."""
    weights = layer.get_weights()
    layer.set_weights([(w.astype("float64") / temperature).astype(w.dtype) for w in weights])
