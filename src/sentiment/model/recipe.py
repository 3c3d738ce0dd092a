"""What a network is and how it is trained: the two things a network's folder states."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from sentiment.base.errors import UserError
from sentiment.data.image_size import SIDES

if TYPE_CHECKING:
    import keras

    from sentiment.model.released import Released

Preprocessing = Literal["caffe", "tf", "torch", "lite"]
"""What weights were trained on, in the words of `keras.applications`: BGR less ImageNet's mean, RGB
in [-1, 1], or RGB less that mean and by its standard deviation; lite: EfficientNet-Lite's own, RGB
less 127 and by 128."""

DASH = "-"
"""Stands between a folder and its variant in the name of a network."""


MIXING = ("mixup", "cutmix")
"""Kinds of augmentation that mix the photos of a batch, and their targets."""


@dataclass(frozen=True)
class Architecture:
    """A network: all that the library needs to know of it."""

    name: str
    """Its folder under src/, which also names its files under saved_models/ and logs/; for all but
    the first variant of a folder, with the variant behind a dash, such as `vit-l16`."""
    title: str
    """Its name in text."""
    preprocessing: Preprocessing
    """What its ImageNet weights in Keras' format were trained on."""
    build: Callable[[str | None, int, int], tuple["keras.Model", "keras.Model"]]
    """From the backbone's weights (None, "imagenet" or a file), the number of classes and the
    images' width and height: the backbone (float images, preprocessed, to features) and the fully
    connected layers (features to probabilities)."""
    batch_norm: bool = True
    """Whether it has batch normalisation, which FT-A may freeze."""
    sides: Sequence[int] = SIDES
    """Widths and heights of the images that it can take."""
    pytorch: Preprocessing | None = None
    """What its ImageNet weights in PyTorch's format (.pth) were trained on; None: it takes none."""
    released: "Released | None" = None
    """Trained models of it that others have published, if there are any."""
    variant: str = ""
    """Which of its folder's variants it is, in the words of --variant; empty where there is one."""
    others: tuple["Architecture", ...] = ()
    """The folder's other variants, which have its recipes; known to the first alone."""

    @property
    def folder(self) -> str:
        """Its folder under src/."""
        return self.name.partition(DASH)[0]

    @property
    def is_first(self) -> bool:
        """Whether it is the variant that its folder's scripts take unless told otherwise."""
        return self.name == self.folder

    def own_preprocessing(self, weights: str) -> Preprocessing:
        """What weights were trained on: imagenet, none, or a file's path."""
        return self.pytorch if self.pytorch and weights.endswith(".pth") else self.preprocessing

    def check_side(self, side: int, data: str) -> None:
        """Check that the network takes images of a size.

        Args:
            side: their width and height.
            data: name of the prepared data, for the message.

        Raises:
            UserError: it does not.
        """
        if side not in self.sides:
            takes = str(self.sides[0])
            if len(self.sides) > 1:
                takes += f" to {self.sides[-1]}"
            step = self.sides.step if isinstance(self.sides, range) else 1
            steps = f" in steps of {step}" if step > 1 else ""
            raise UserError(
                f"{self.title} takes images of {takes} pixels a side{steps}, those of {data} have "
                f"{side}; prepare the photos again with --size, under another --name"
            )


@dataclass(frozen=True)
class Recipe:
    """How a network is fine-tuned; the defaults are the replication's for every network.

    Raises:
        UserError: a value is outside its range.
    """

    layers: tyro.conf.Suppress[Literal["fc", "all"]]
    """"fc" trains the fully connected layers alone (FT-F), "all" every layer (FT-A)."""
    epochs: int = 15
    """Passes over the training images, at most."""
    batch_size: int = 64
    """Images an update of the weights."""
    gradient_accumulation_steps: int = 1
    """Parts in which a batch goes through the network, when memory is short."""
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = "sgd"
    """Adam and RMSprop with Keras' values for all but the learning rate. adamw: Adam with a weight
    decay of its own (Loshchilov & Hutter, 2019), see --weight-decay; with --warmup-epochs it stands
    in for RectifiedAdam, which is an Adam that warms up by itself (Liu et al., 2020)."""
    learning_rate: float = 1e-3
    """The highest; see --schedule."""
    schedule: Literal["step", "early-step", "triangular", "triangular2", "one-cycle", "cosine"] = (
        "step"
    )
    """step: divide the learning rate by 10 every 5 epochs, after epochs 5, 10; early-step: as the
    report's scripts did, after epochs 4, 9, 14. The others go by update. triangular: up and down
    between a fourth of it and all of it (Smith, 2017); triangular2: each cycle half as high;
    one-cycle: from a 25th up to it in 30 % of the updates, then down to nearly nothing (Smith &
    Topin, 2018, as in PyTorch); cosine: down to 0 in half a cosine (Loshchilov & Hutter, 2017)."""
    cycle_epochs: int = 5
    """Epochs of a cycle, up and down, of triangular and triangular2 (Smith: 4 to 20, and three
    cycles or more)."""
    warmup_epochs: float = 0.0
    """Epochs, or parts of one, in whose updates the learning rate rises along a straight line from
    nearly 0 (Goyal et al., 2017). What --schedule gives is multiplied, not shifted: after them the
    rate is what it is without a warm-up. The cycles rise by themselves and take none."""
    layer_decay: float = 1.0
    """FT-A: learning rates fall from the top of the network to the image by this factor a layer
    (Clark et al., 2020; Bao et al., 2022: 0.65 to 0.9); 1: all have the same. The fully connected
    layers have all of it; the layers below them are, in their order, 12 groups of as many kernels
    each, and count for 12 layers, as ViT-B has."""
    momentum: float = 0.9
    """Momentum of SGD; for the other optimisers it cannot be chosen."""
    weight_decay: float = 0.0
    """Weight decay of the kernels; biases, normalisation and the like have none. As in Caffe: this
    times the weight is added to the gradient. Of adamw: each update takes the learning rate times
    this times the weight off the weight, beside the gradient's step (Bao et al., 2022: 0.05)."""
    patience: int = 5
    """Epochs without a better validation loss before training stops."""
    seed: int = 1
    """Seed of the subset, the order of the images, new weights and dropout."""
    weights: str = "imagenet"
    """The backbone's first weights: imagenet (downloaded once), none (random), or a file, in Keras'
    format or PyTorch's (.pth: a state dict of torchvision or timm)."""
    head: Literal["trained", "fresh"] = "fresh"
    """FT-A's first fully connected layers: those that FT-F of the same data trained, or new."""
    preprocessing: Literal["own", "caffe", "dataset-mean"] = "own"
    """The one that the first weights were trained with, or, as in the report, VGG19's for every
    network (caffe), or that with the mean pixel of the run's own training images, as the paper's
    models have it."""
    augmentation: tuple[
        Literal["flip", "crop", "color", "randaugment", "mixup", "cutmix"], ...
    ] = ()
    """Change the photos at random while learning, in this order: flip mirrors, crop takes 7/8 of
    each side, color changes brightness, contrast and saturation by up to a fifth or so. Before
    them, randaugment makes two of 14 changes with each photo (Cubuk et al., 2020, magnitude 9 of
    30). Unlike color it changes hues too: solarize makes a negative of what is bright in red,
    green or blue, equalize and autocontrast stretch each of these by itself. After them, mixup
    blends each photo and its target with another's of the batch (Zhang et al., 2018), cutmix
    pastes a box of the other (Yun et al., 2019); given both, each batch gets one of them."""
    label_smoothing: float = 0.0
    """Learn with this much of a label shared among all classes; validation is without."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: in training, weigh each image's loss by n / (k n_c), for n images of k classes, n_c
    of them of its own (as scikit-learn does): all classes count alike, however few their images.
    Validation is without."""
    ema_momentum: float = 0.0
    """Validate and keep the moving average of the weights, of which each update leaves this much,
    such as 0.999; 0: the weights themselves."""
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """Numbers the layers compute with; mixed_bfloat16 keeps the weights in float32."""
    feature_cache: bool = True
    """FT-F: compute the frozen layers' output once, keep it and train on it, instead of taking
    the images through them in every epoch."""
    feature_dtype: Literal["float32", "float16"] = "float32"
    """Numbers in which features are kept; float16 takes half the disk."""
    deterministic: Literal["auto", "on", "off"] = "auto"
    """Whether the same command gives the same bits; auto: on a CPU, where it costs nothing."""
    freeze_batch_norm: bool = False
    """FT-A: keep batch normalisation as ImageNet left it (FT-F always does)."""

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_choices()

    def _check(self, fine: bool, name: str, expected: str) -> None:
        if not fine:
            flag, value = "--" + name.replace("_", "-"), in_command(getattr(self, name))
            raise UserError(f"{flag} {value}: expected {expected}")

    def _check_numbers(self) -> None:
        check = self._check
        for name in (
            "epochs", "batch_size", "gradient_accumulation_steps", "cycle_epochs", "patience"
        ):  # fmt: skip
            check(getattr(self, name) >= 1, name, "1 or more")
        check(
            self.batch_size % self.gradient_accumulation_steps == 0,
            "gradient_accumulation_steps",
            f"a divisor of the batch size, {self.batch_size}",
        )
        check(0 < self.learning_rate < 1e38, "learning_rate", "a number over 0, under 1e38")
        check(0 <= self.momentum < 1, "momentum", "0 or more, under 1")
        check(
            self.optimizer == "sgd" or self.momentum == Recipe.momentum,
            "momentum",
            f"none, for it is of SGD alone, not of --optimizer {self.optimizer}",
        )
        check(0 <= self.weight_decay < float("inf"), "weight_decay", "0 or more")
        check(0 <= self.warmup_epochs <= self.epochs, "warmup_epochs", f"0 to {self.epochs} epochs")
        check(0 < self.layer_decay <= 1, "layer_decay", "more than 0, at most 1")
        check(0 <= self.label_smoothing < 1, "label_smoothing", "0 or more, under 1")
        check(0 <= self.ema_momentum < 1, "ema_momentum", "0 or more, under 1")
        check(0 <= self.seed < 2**32, "seed", "0 or more, under 2**32")

    def _check_choices(self) -> None:
        check = self._check
        check(
            warms_up(self.schedule) or not self.warmup_epochs,
            "warmup_epochs",
            f"0, for --schedule {self.schedule} rises by itself",
        )
        check(
            len(set(self.augmentation)) == len(self.augmentation), "augmentation", "each kind once"
        )
        check(
            not self.augmentation or self.layers == "all" or not self.feature_cache,
            "augmentation",
            "none where features are computed once; give --no-feature-cache too",
        )
        check(
            self.batch_size > self.gradient_accumulation_steps
            or not set(MIXING) & set(self.augmentation),
            "augmentation",
            "neither mixup nor cutmix where photos go through the network one at a time; give a "
            "larger --batch-size or fewer --gradient-accumulation-steps",
        )
        check(
            self.weights in ("imagenet", "none") or Path(self.weights).is_file(),
            "weights",
            "imagenet, none, or the path of a weights file",
        )
        check(
            self.layers == "all" or self.head == "fresh",
            "head",
            "fresh, for FT-F trains the fully connected layers itself",
        )

    @property
    def penalty(self) -> float:
        """Weight decay that is a penalty in the loss, as Caffe's is; AdamW's is none."""
        return 0.0 if self.optimizer == "adamw" else self.weight_decay


def warms_up(schedule: str) -> bool:
    """Whether a schedule takes a warm-up: the cycles rise by themselves."""
    return schedule in ("step", "early-step", "cosine")


def counting(recipe: Recipe) -> dict[str, object]:
    """The fields that have an effect in this recipe, with their values."""
    fc = recipe.layers == "fc"
    counts = {
        "cycle_epochs": recipe.schedule.startswith("triangular"),
        "warmup_epochs": warms_up(recipe.schedule),
        "layer_decay": not fc,
        "momentum": recipe.optimizer == "sgd",
        "head": not fc,
        "freeze_batch_norm": not fc,
        "feature_cache": fc,
        "feature_dtype": fc and recipe.feature_cache,
    }
    return {n: value for n, value in dataclasses.asdict(recipe).items() if counts.get(n, True)}


def in_command(value: object) -> str:
    """A flag's value as it stands on a command line."""
    return (" ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)
