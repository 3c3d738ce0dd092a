r"""VGG19 (Simonyan & Zisserman, 2014), with the FC layers of the paper's VGG-T4SA.

Its reference run, on the whole of B-T4SA:

    python src/vgg19/fc_layer_train_caffe_vgg19.py
    python src/vgg19/all_layer_train_caffe_vgg19.py
    python src/vgg19/result_predict_fc_layer_train_caffe_vgg19.py \
        --test-on t4sa ttd
    python src/vgg19/result_predict_all_layer_train_caffe_vgg19.py \
        --test-on t4sa ttd

It should come near the paper's figures (Vadicamo et al., 2017): FT-F 0.506 on
B-T4SA's test split and 0.768 on TTD where five agree, FT-A 0.513 and 0.785.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.data.image_size import SIDE
from sentiment.model.recipe import Architecture, Recipe
from sentiment.model.released import Released

if TYPE_CHECKING:
    import keras


def build(weights: str | None, classes: int, side: int) -> "tuple[keras.Model, keras.Model]":
    """Backbone from images to 7 x 7 x 512 features, and fc6, fc7, fc8 with dropout between.

    fc6 and fc7 start from ImageNet's weights when the weights hold them: "imagenet" does, a
    file may be one with the top or without.
    """
    import keras

    from sentiment.model.torch_file import ENDING

    in_pytorch = weights is not None and weights.endswith(ENDING)
    backbone, whole = _backbone(None if in_pytorch else weights, side)
    head = keras.Sequential([
        keras.Input(backbone.output_shape[1:]),
        keras.layers.Flatten(),
        keras.layers.Dense(4096, activation="relu", name="fc6"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(4096, activation="relu", name="fc7"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(classes, activation="softmax", dtype="float32", name="fc8"),
    ])  # fmt: skip
    if whole:
        for name, original in {"fc6": "fc1", "fc7": "fc2"}.items():
            head.get_layer(name).set_weights(whole.get_layer(original).get_weights())
    if in_pytorch:
        _set_weights_of_pytorch(backbone, head, Path(str(weights)))
    return backbone, head


def _set_weights_of_pytorch(backbone: "keras.Model", head: "keras.Model", file: Path) -> None:
    """Take torchvision's or timm's `vgg19`, whole or without its fully connected layers."""
    from sentiment.model import torch_weights
    from sentiment.model.torch_file import read_tensors

    given = torch_weights.layers_of(read_tensors(file))
    convolutions = sum(bool(layer.weights) for layer in backbone.layers)
    layers = [*backbone.layers]
    if len(given) > convolutions:
        layers += [head.get_layer("fc6"), head.get_layer("fc7")]
    torch_weights.set_in_order(layers, given, image=backbone.output_shape[1:])


def _backbone(weights: str | None, side: int) -> "tuple[keras.Model, keras.Model | None]":
    """The convolutions, and the whole original network where the weights are for that."""
    import keras

    if weights is not None:
        try:
            whole = keras.applications.VGG19(weights=weights)
            pooled = whole.get_layer("block5_pool").output
            return keras.Model(whole.input, pooled), whole
        except ValueError:  # a file without the top
            if weights == "imagenet":
                raise
    shape = (side, side, 3)
    return keras.applications.VGG19(include_top=False, weights=weights, input_shape=shape), None


RELEASED = Released(
    source="Vadicamo et al., 2017, github.com/fabiocarrara/visual-sentiment-analysis, "
    "release torch-models",
    class_names=("negative", "neutral", "positive"),
    mean=(130.4602, 121.2751, 116.8007),
    layers={
        **{f"block{block}_conv{number}": f"conv{block}_{number}"
           for block, count in enumerate((2, 2, 4, 4, 4), 1) for number in range(1, count + 1)},
        "fc6": "fc6_1", "fc7": "fc7_1", "fc8": "fc8-retrain_1",
    },
)  # fmt: skip
"""The paper's VGG-T4SA, `vgg19_finetuned_fc6+.pth` (FT-F) and `vgg19_finetuned_all.pth` (FT-A); the
mean pixel is the one in the release's `predict.py`."""

ARCHITECTURE = Architecture(
    name="vgg19",
    title="VGG19",
    preprocessing="caffe",
    build=build,
    sides=(SIDE,),
    batch_norm=False,
    pytorch="torch",
    released=RELEASED,
)
FC = Recipe(layers="fc", weight_decay=1e-5)
ALL = Recipe(layers="all", head="trained", weight_decay=1e-5, batch_size=48)
