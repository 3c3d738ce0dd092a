r"""ConvNeXt (Liu et al., 2022): a convolutional network designed like a Vision Transformer.

ConvNeXt-Tiny has 768 features; `--variant small` and `base` are larger. Its recipe is that of the
paper's successor (Serra et al., ECAI 2023, `train_vit.py`), as the folder `vit` states it.

Its reference run, on the whole of B-T4SA; the successor prepares photos with `--size 384`:

    python src/convnext/fc_layer_train_convnext.py
    python src/convnext/all_layer_train_convnext.py
    python src/convnext/result_predict_fc_layer_train_convnext.py \
        --test-on t4sa ttd
    python src/convnext/result_predict_all_layer_train_convnext.py \
        --test-on t4sa ttd

Nobody has published figures of it on these data; the paper's best, VGG19 FT-A, has 0.513 on
B-T4SA's test split and 0.785 on TTD where five agree.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from sentiment.model import keras_application
from sentiment.model.recipe import Architecture, Recipe

if TYPE_CHECKING:
    import keras
    import numpy as np


class Names(NamedTuple):
    """What PyTorch's layers are called, in Keras' order; numbers of stages and blocks count from 0.

    A stage is called by its number, or by its places in a sequence, `{before}` and `{place}`.
    """

    stem: str
    downsampling: str
    block: str
    parts: tuple[str, ...]
    """A block's layers with weights, behind its name."""
    scale: str
    """A block's scale, an array that belongs to no layer, behind the block's name."""
    norm: str
    classifier: str

    def in_order(self, depths: list[int]) -> Iterator[str]:
        """The name of each layer, for stages of so many blocks."""
        for stage, depth in enumerate(depths):
            places = {"stage": stage, "before": 2 * stage, "place": 2 * stage + 1}
            pair = self.downsampling.format(**places) if stage else self.stem
            yield from (f"{pair}.0", f"{pair}.1")
            for number in range(depth):
                block = self.block.format(block=number, **places)
                yield from (f"{block}.{part}" for part in (*self.parts, self.scale))
        yield self.norm


TIMM = Names(
    "stem", "stages.{stage}.downsample", "stages.{stage}.blocks.{block}",
    ("conv_dw", "norm", "mlp.fc1", "mlp.fc2"), "gamma", "head.norm", "head.fc",
)  # fmt: skip
TORCHVISION = Names(
    "features.0", "features.{before}", "features.{place}.{block}",
    ("block.0", "block.2", "block.3", "block.5"), "layer_scale", "classifier.0", "classifier.2",
)  # fmt: skip


def set_weights(network: "keras.Model", tensors: "dict[str, np.ndarray]") -> None:
    """Give the network the weights of timm's or torchvision's, layer by layer, by their names.

    Raises:
        ValueError: they are another network's; it is said which name or shape is not right.
    """
    from sentiment.model import build, torch_weights

    names = TIMM if f"{TIMM.stem}.0.weight" in tensors else TORCHVISION
    layers = [layer for layer in build.flat(network) if layer.weights]
    scales = [layer.name for layer in layers if layer.name.endswith("layer_scale")]
    depths = [sum(f"stage_{stage}_" in name for name in scales) for stage in range(4)]
    state = torch_weights.State(tensors)
    for layer, name in zip(layers, names.in_order(depths), strict=True):
        if name.endswith(names.scale):  # a channel's each; torchvision's has rows and columns too
            channels = layer.weights[0].shape
            more = (1, 1) if names is TORCHVISION else ()
            layer.set_weights([state.take(name, (*channels, *more)).reshape(channels)])
        else:
            state.set_layer(layer, name)
    state.check_empty(names.classifier)


IN_PYTORCH = keras_application.InPyTorch(set_weights=set_weights)


def builder(
    application: str,
) -> Callable[[str | None, int, int], "tuple[keras.Model, keras.Model]"]:
    """Make an `Architecture.build` of one size, named as in `keras.applications`."""
    as_published = keras_application.builder(application, IN_PYTORCH, include_preprocessing=False)

    def build(weights: str | None, classes: int, side: int) -> "tuple[keras.Model, keras.Model]":
        network, head = as_published(weights, classes, side)
        return _depthwise(network), head

    return build


def _depthwise(network: "keras.Model") -> "keras.Model":
    """The network with depthwise layers where Keras has convolutions of one channel a group.

    They compute the same; TensorFlow compiles those one by one, and tf2onnx does not take them.
    """
    import keras
    import numpy as np

    def as_depthwise(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.layers.Conv2D) and layer.groups > 1:
            return keras.layers.DepthwiseConv2D(7, padding="same", name=layer.name)
        return type(layer).from_config(layer.get_config())

    made = keras.models.clone_model(network, clone_function=as_depthwise)
    pairs = zip(made.weights, network.get_weights(), strict=True)
    made.set_weights([np.reshape(array, weight.shape) for weight, array in pairs])
    return made


def _variant(variant: str, name: str = "", others: tuple[Architecture, ...] = ()) -> Architecture:
    size = variant.capitalize()
    return Architecture(
        name=name or f"convnext-{variant}", title=f"ConvNeXt-{size}", preprocessing="torch",
        build=builder(f"ConvNeXt{size}"), batch_norm=False, pytorch="torch",
        variant=variant, others=others,
    )  # fmt: skip


ARCHITECTURE = _variant("tiny", "convnext", (_variant("small"), _variant("base")))
FC = Recipe(
    layers="fc", epochs=1, batch_size=32, optimizer="adam", learning_rate=1e-4,
    warmup_epochs=0.17, label_smoothing=0.2, class_weights="balanced",
)  # fmt: skip
ALL = dataclasses.replace(FC, layers="all", head="trained", epochs=5)
