r"""Vision Transformer (Dosovitskiy et al., 2021): ViT-B/16, 768 features, and its other sizes.

It is built of Keras' own layers, so that Keras alone loads its files. What is always added to a
token is one weight here: the embedding of its place and, of photos' tokens, the bias of their
projection, or else the class token itself. It computes what the original does.

The recipe and the head are those of the paper's successor (Serra et al., ECAI 2023, `train_vit.py`
of github.com/fabiocarrara/cross-modal-visual-sentiment-analysis): an epoch of the fully connected
layers, 32 units with GELU and the softmax layer, then five of all layers, in batches of 32, with
labels smoothed by 0.2 and balanced class weights. Its optimiser is RectifiedAdam at a rate of 1e-4;
here it is Adam, which warms up in 0.17 of an epoch: on B-T4SA in 2,000 updates, about as
RectifiedAdam does by itself (Ma & Yarats, 2021). Its first weights are those of ImageNet-21k.

Its reference run, on the whole of B-T4SA and TTD, prepared a second time, in a folder of their own,
by `scripts/prepare_data.py ... --size 384 --data-dir data384`, which all four take; ViT-L/16 with
`--variant l16`:

    python src/vit/fc_layer_train_vit.py --data-dir data384 --weights FILE
    python src/vit/all_layer_train_vit.py --data-dir data384 --weights FILE
    python src/vit/result_predict_fc_layer_train_vit.py --data-dir data384 \
        --test-on t4sa ttd
    python src/vit/result_predict_all_layer_train_vit.py --data-dir data384 \
        --test-on t4sa ttd

FILE is best of ImageNet-21k, such as timm's `vit_base_patch16_384.augreg_in21k_ft_in1k`.

The successor's figures on TTD where at least 5, 4 or 3 agree are of the same networks trained on
other data, B-T4SA relabelled by a newer reader of its texts and 1.2 million more photos: FT-A has
0.870, 0.831 and 0.794, ViT-L/16 0.878, 0.848 and 0.819. Of B-T4SA with its own labels there is one,
ViT-B/32 at 224 pixels, 0.8118 where five agree (codiceSpaghetti/T4SA-2.0, the notebook
`Performance evaluation`). The paper's best, VGG19 FT-A, has 0.513 on B-T4SA's test split and 0.785
on TTD where five agree.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sentiment.base import sha256sums
from sentiment.base.errors import UserError
from sentiment.data.image_size import SIDES
from sentiment.model.recipe import Architecture, Recipe

if TYPE_CHECKING:
    import keras

MLP = 4
"""Width of a block's inner layer, in widths of the block (Dosovitskiy et al., 2021, table 1)."""

EPSILON = 1e-6
"""Layer normalisation adds it to the variance, as the original does."""

URL = "https://download.pytorch.org/models/"
"""Where torchvision's weights of ImageNet-1k are published."""


class Size(NamedTuple):
    """A size of the network (Dosovitskiy et al., 2021, table 1; Ti: Steiner et al., 2022)."""

    title: str
    patch: int
    """Width and height of a patch, in pixels."""
    width: int
    """Channels of a token, which are the features."""
    depth: int
    """Blocks."""
    published: str = ""
    """torchvision's file of ImageNet-1k weights, whose name ends in the first digits of its
    SHA-256; empty where there is none."""

    @property
    def heads(self) -> tuple[int, int]:
        """Heads of the attention, and channels of each, 64 in all sizes."""
        return self.width // 64, 64


B16 = Size("ViT-B/16", 16, 768, 12, "vit_b_16-c867db91.pth")
OTHERS = {
    "b32": Size("ViT-B/32", 32, 768, 12, "vit_b_32-d86f8d99.pth"),
    "l16": Size("ViT-L/16", 16, 1024, 24, "vit_l_16-852ce7e3.pth"),
    "l32": Size("ViT-L/32", 32, 1024, 24, "vit_l_32-c7638314.pth"),
    "ti16": Size("ViT-Ti/16", 16, 192, 12),
}


def builder(
    size: Size,
) -> Callable[[str | None, int, int], "tuple[keras.Model, keras.Model]"]:
    """Make an `Architecture.build` of one size.

    The backbone goes from images in [-1, 1] to the class token behind the last normalisation.
    """

    def build(weights: str | None, classes: int, side: int) -> "tuple[keras.Model, keras.Model]":
        import keras

        from sentiment.model.torch_file import ENDING, read_tensors
        from vit import pytorch_state

        backbone = _backbone(size, side)
        if weights == "imagenet":
            weights = str(_imagenet_file(size))
        if weights and weights.endswith(ENDING):
            pytorch_state.set_weights(backbone, size, read_tensors(Path(weights)))
        elif weights:
            backbone.load_weights(weights)
        head = keras.Sequential([
            keras.Input((size.width,)),
            keras.layers.Dense(32, activation="gelu"),
            keras.layers.Dense(classes, activation="softmax", dtype="float32"),
        ])  # fmt: skip
        return backbone, head

    return build


def _backbone(size: Size, side: int) -> "keras.Model":
    import keras
    from keras import layers

    grid = side // size.patch
    image = keras.Input((side, side, 3))
    x = layers.Reshape((grid, size.patch, grid, size.patch * 3), name="rows")(image)
    x = layers.Permute((1, 3, 2, 4), name="patches")(x)
    x = layers.Reshape((grid**2, size.patch**2 * 3), name="pixels")(x)
    x = layers.ZeroPadding1D((1, 0), name="class_token")(x)  # its embedding is all that it has
    x = layers.EinsumDense(
        "btp,pw->btw", (1 + grid**2, size.width), bias_axes="tw", name="embedding",
        bias_initializer=keras.initializers.RandomNormal(stddev=0.02),
    )(x)  # fmt: skip
    for number in range(size.depth):
        x = _block(x, size, f"block_{number}_")
    x = layers.Cropping1D((0, grid**2), name="features")(x)
    x = layers.Flatten(name="flat")(x)
    return keras.Model(image, layers.LayerNormalization(epsilon=EPSILON, name="norm")(x))


def _block(x: "keras.KerasTensor", size: Size, name: str) -> "keras.KerasTensor":
    """Attention among tokens, then two layers for each token alone."""
    from keras import layers

    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}norm_1")(x)
    y = layers.MultiHeadAttention(*size.heads, name=f"{name}attention")(y, y)
    x = layers.Add(name=f"{name}add_1")([x, y])
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}norm_2")(x)
    y = layers.Dense(MLP * size.width, activation="gelu", name=f"{name}dense_1")(y)
    y = layers.Dense(size.width, name=f"{name}dense_2")(y)
    return layers.Add(name=f"{name}add_2")([x, y])


def _imagenet_file(size: Size) -> Path:
    """torchvision's file, downloaded once.

    Raises:
        UserError: there is none of this size, or it is not the one published.
    """
    import keras

    if not size.published:
        raise UserError("torchvision publishes none of this size")
    file = Path(keras.utils.get_file(size.published, URL + size.published, cache_subdir="models"))
    digits = file.stem.rpartition("-")[2]
    if not sha256sums.of(file).startswith(digits):
        raise UserError(f"{file}: its SHA-256 does not begin with {digits}; remove it")
    return file


def _variant(
    variant: str, size: Size, name: str = "", others: tuple[Architecture, ...] = ()
) -> Architecture:
    return Architecture(
        name=name or f"vit-{variant}", title=size.title, preprocessing="tf", build=builder(size),
        batch_norm=False, sides=range(SIDES[0], SIDES[-1] + 1, size.patch), pytorch="tf",
        variant=variant, others=others,
    )  # fmt: skip


ARCHITECTURE = _variant("b16", B16, "vit", tuple(_variant(*other) for other in OTHERS.items()))
FC = Recipe(
    layers="fc", epochs=1, batch_size=32, optimizer="adam", learning_rate=1e-4,
    warmup_epochs=0.17, label_smoothing=0.2, class_weights="balanced",
)  # fmt: skip
ALL = dataclasses.replace(FC, layers="all", head="trained", epochs=5)
