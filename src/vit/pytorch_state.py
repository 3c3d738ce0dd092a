"""Weights of torchvision's and timm's Vision Transformers, as the network here has them."""

from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np
from PIL import Image

from sentiment.model.build import UNIT_DEVIATION_RGB, UNIT_MEAN_RGB
from sentiment.model.torch_weights import State

if TYPE_CHECKING:
    from vit.architecture import Size


class Names(NamedTuple):
    """What PyTorch's arrays and layers are called."""

    class_token: str
    positions: str
    patches: str
    block: str
    norm_1: str
    norm_2: str
    attention_in: tuple[str, str]
    """Weight and bias of queries, keys and values, one above the other."""
    attention_out: str
    dense_1: str
    dense_2: str
    norm: str
    classifier: str


TORCHVISION = Names(
    "class_token", "encoder.pos_embedding", "conv_proj", "encoder.layers.encoder_layer_{}.",
    "ln_1", "ln_2", ("self_attention.in_proj_weight", "self_attention.in_proj_bias"),
    "self_attention.out_proj", "mlp.0", "mlp.3", "encoder.ln", "heads",
)  # fmt: skip
OLD_TORCHVISION = TORCHVISION._replace(dense_1="mlp.linear_1", dense_2="mlp.linear_2")
"""Its published files; since version 0.13 it saves other names."""
TIMM = Names(
    "cls_token", "pos_embed", "patch_embed.proj", "blocks.{}.", "norm1", "norm2",
    ("attn.qkv.weight", "attn.qkv.bias"), "attn.proj", "mlp.fc1", "mlp.fc2", "norm", "head",
)  # fmt: skip


def set_weights(backbone: keras.Model, size: "Size", tensors: dict[str, np.ndarray]) -> None:
    """Give the layers the weights of torchvision's or timm's, by their names.

    torchvision's photos are standardised, timm's (Steiner et al., 2022) are in [-1, 1] as here.

    Raises:
        ValueError: they are another network's; it is said which name or shape is not right.
    """
    names = next(
        (form for form in (TIMM, OLD_TORCHVISION)
         if form.block.format(0) + form.dense_1 + ".weight" in tensors), TORCHVISION,
    )  # fmt: skip
    state = State(tensors)
    backbone.get_layer("embedding").set_weights(_embedding(backbone, size, state, names))
    for number in range(size.depth):
        block = names.block.format(number)
        for layer in ("norm_1", "norm_2", "dense_1", "dense_2"):
            name = block + getattr(names, layer)
            state.set_layer(backbone.get_layer(f"block_{number}_{layer}"), name)
        attention = backbone.get_layer(f"block_{number}_attention")
        attention.set_weights(_attention(size, state, names, block))
    state.set_layer(backbone.get_layer("norm"), names.norm)
    state.check_empty(names.classifier)


def _embedding(backbone: keras.Model, size: "Size", state: State, names: Names) -> list[np.ndarray]:
    """The projection of patches (pixels, width), and what is added to each token."""
    shape = (size.width, 3, size.patch, size.patch)
    kernel = state.take(f"{names.patches}.weight", shape).transpose(2, 3, 1, 0)
    bias = state.take(f"{names.patches}.bias", (size.width,))
    if names is not TIMM:  # (unit - mean) / deviation = (x / 2 + 1 / 2 - mean) / deviation
        mean, deviation = (np.array(v)[:, None] for v in (UNIT_MEAN_RGB, UNIT_DEVIATION_RGB))
        bias = bias + (kernel * ((0.5 - mean) / deviation)).sum(axis=(0, 1, 2))
        kernel = kernel * (0.5 / deviation)
    first = state.take(names.class_token, (1, 1, size.width))[0]
    positions = state.take(names.positions, (1, None, size.width))[0]
    grid = round((backbone.get_layer("embedding").bias.shape[0] - 1) ** 0.5)
    others = _resized(positions[1:], grid) + bias
    return [kernel.reshape(-1, size.width), np.concatenate([positions[:1] + first, others])]


def _resized(positions: np.ndarray, grid: int) -> np.ndarray:
    """Embeddings of places (n, width) for a grid of another side, bicubic as timm has it.

    Raises:
        ValueError: they are of no square grid.
    """
    side = round(len(positions) ** 0.5)
    if side**2 != len(positions):
        raise ValueError(f"it has embeddings of {len(positions)} places, which are no square")
    planes = positions.reshape(side, side, -1).transpose(2, 0, 1)
    made = [Image.fromarray(p).resize((grid, grid), Image.Resampling.BICUBIC) for p in planes]
    return np.stack([np.asarray(plane).ravel() for plane in made], axis=1)


def _attention(size: "Size", state: State, names: Names, block: str) -> list[np.ndarray]:
    """Kernel and bias of queries, keys, values and output, as Keras has them."""
    heads, width = size.heads, size.width
    weight, bias = (block + name for name in names.attention_in)
    kernels = np.split(state.take(weight, (3 * width, width)), 3)
    biases = np.split(state.take(bias, (3 * width,)), 3)
    arrays = []
    for kernel, of_it in zip(kernels, biases, strict=True):
        arrays += [kernel.T.reshape(width, *heads), of_it.reshape(heads)]
    out = block + names.attention_out
    kernel = state.take(f"{out}.weight", (width, width)).T.reshape(*heads, width)
    return [*arrays, kernel, state.take(f"{out}.bias", (width,))]
