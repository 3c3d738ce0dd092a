r"""InceptionResNetV2 (Szegedy et al., 2017): the deep network, 1,536 features.

Its reference run, on the whole of B-T4SA:

    python src/inceptionresnetv2/fc_layer_train_inceptionresnetv2.py
    python src/inceptionresnetv2/all_layer_train_inceptionresnetv2.py
    python src/inceptionresnetv2/result_predict_fc_layer_train_inceptionresnetv2.py \
        --test-on t4sa ttd
    python src/inceptionresnetv2/result_predict_all_layer_train_inceptionresnetv2.py \
        --test-on t4sa ttd

It should come near the report's figures: FT-F 0.4727 on B-T4SA's test split and 0.7143 on TTD
where five agree, FT-A 0.5078 and 0.7687.
"""

import re
from typing import TYPE_CHECKING

from sentiment.model import keras_application
from sentiment.model.recipe import Architecture, Recipe

if TYPE_CHECKING:
    import keras


def _in_order(network: "keras.Model") -> "list[keras.Layer]":
    """The layers with weights in the order of timm's `inception_resnet_v2`.

    Keras numbers the unnamed layers as they are made, which is timm's order but for the named ones:
    each block's last convolution, which has a bias and no batch normalisation, and the last of all.
    """
    numbered: dict[str, list[keras.Layer]] = {"conv2d": [], "batch_normalization": []}
    for layer in network.layers:
        if layer.weights and not layer.name.startswith(("block", "conv_7b")):
            numbered[re.sub(r"_\d+$", "", layer.name)].append(layer)

    def number(layer: "keras.Layer") -> int:
        return int("".join(re.findall(r"_(\d+)$", layer.name)) or 0)

    convolutions, normalised = (sorted(layers, key=number) for layers in numbered.values())
    pairs = iter(zip(convolutions, normalised, strict=True))
    order: list[keras.Layer] = []

    def take(count: int) -> None:
        for _ in range(count):
            order.extend(next(pairs))

    take(5 + 7)  # the stem, and mixed_5b
    for kind, blocks, each, then in (("block35", 10, 6, 4), ("block17", 20, 4, 7),
                                     ("block8", 10, 4, 0)):  # fmt: skip
        for block in range(1, blocks + 1):
            take(each)
            order.append(network.get_layer(f"{kind}_{block}_conv"))
        take(then)  # mixed_6a, mixed_7a
    return [*order, network.get_layer("conv_7b"), network.get_layer("conv_7b_bn")]


IN_PYTORCH = keras_application.InPyTorch(
    settings={"BatchNormalization": {"scale": True}}, order=_in_order
)
"""timm's `inception_resnet_v2`, whose batch normalisation has a scale as well."""

ARCHITECTURE = Architecture(
    name="inceptionresnetv2",
    title="InceptionResNetV2",
    preprocessing="tf",
    build=keras_application.builder("InceptionResNetV2", IN_PYTORCH),
    pytorch="tf",
)
FC = Recipe(layers="fc")
ALL = Recipe(layers="all", head="trained")
