"""Choices of a recipe that can be undone, or made besides, and runs with one so changed."""

from collections.abc import Callable
from dataclasses import dataclass

from sentiment.model.recipe import Architecture, Recipe, warms_up
from sentiment.runs.run_files import Run

BASELINE = "baseline"


@dataclass(frozen=True)
class Ablation:
    """One choice, of the recipe and undone, or not of it and made, by flags."""

    name: str
    """Name of the folder that the ablation's run has for itself."""
    title: str
    flags: tuple[str, ...]
    applies: Callable[[Architecture, Recipe], bool]
    """Whether the ablation changes anything in a network that is trained by a recipe."""
    needs_shares: bool = False
    """Whether the data must have shares beside the labels, which the baseline learns."""


def _on_plain_photos(architecture: Architecture, recipe: Recipe) -> bool:
    """Whether photos go through the network in training, unchanged."""
    return not recipe.augmentation and (recipe.layers == "all" or not recipe.feature_cache)


ABLATIONS = (
    Ablation(
        "no-weight-decay",
        "weight decay without effect, as in the report",
        ("--weight-decay", "0"),
        lambda architecture, recipe: recipe.weight_decay > 0,
    ),
    Ablation(
        "caffe-preprocessing",
        "one Caffe-style preprocessing for all networks, as in the report",
        ("--preprocessing", "caffe"),
        lambda architecture, recipe: (
            recipe.preprocessing != "caffe"
            and (recipe.preprocessing, architecture.preprocessing) != ("own", "caffe")
        ),
    ),
    Ablation(
        "dataset-mean",
        "Caffe-style, less the data set's mean, as in the paper",
        ("--preprocessing", "dataset-mean"),
        lambda architecture, recipe: recipe.preprocessing != "dataset-mean",
    ),
    Ablation(
        "early-step",
        "the learning rate falls an epoch early, as in the report's scripts",
        ("--schedule", "early-step"),
        lambda architecture, recipe: recipe.schedule == "step" and recipe.epochs > 4,
    ),
    Ablation(
        "fresh-head",
        "FT-A from new FC layers",
        ("--head", "fresh"),
        lambda architecture, recipe: recipe.head == "trained",
    ),
    Ablation(
        "frozen-batch-norm",
        "FT-A with batch normalisation frozen",
        ("--freeze-batch-norm",),
        lambda architecture, recipe: (
            architecture.batch_norm and recipe.layers == "all" and not recipe.freeze_batch_norm
        ),
    ),
    Ablation(
        "adamw",
        "AdamW, its learning rate 1e-4 and weight decay 0.05, for the recipe's optimiser and both",
        ("--optimizer", "adamw", "--learning-rate", "1e-4", "--weight-decay", "0.05"),
        lambda architecture, recipe: (
            recipe.optimizer != "adamw" and recipe.momentum == Recipe.momentum
        ),
    ),
    Ablation(
        "warm-up",
        "the learning rate rises in the first epoch",
        ("--warmup-epochs", "1"),
        lambda architecture, recipe: warms_up(recipe.schedule) and not recipe.warmup_epochs,
    ),
    Ablation(
        "layer-decay",
        "FT-A with learning rates that fall by 0.75 a layer, from the top to the image",
        ("--layer-decay", "0.75"),
        lambda architecture, recipe: recipe.layers == "all" and recipe.layer_decay == 1,
    ),
    Ablation(
        "teacher-labels",
        "the teacher's labels, each the class with the largest share",
        ("--labels", "teacher"),
        lambda architecture, recipe: True,
        needs_shares=True,
    ),
    Ablation(
        "shares",
        "the teacher's shares of all classes, by cross-entropy against them",
        ("--labels", "shares"),
        lambda architecture, recipe: True,
        needs_shares=True,
    ),
    *(
        # FT-F, whose FC layers FT-A may start from, changes photos only where it sees them.
        Ablation(kind, title, ("--augmentation", kind, "--no-feature-cache"), _on_plain_photos)
        for kind, title in {
            "randaugment": "RandAugment, two of 14 changes of each photo",
            "mixup": "MixUp, photos and targets blended with those of others",
            "cutmix": "CutMix, photos with boxes of others, and targets mixed as their areas are",
        }.items()
    ),
)


@dataclass(frozen=True)
class Variant:
    """The baseline, or an ablation of it, with a run of its own."""

    name: str
    title: str
    flags: list[str]
    run: Run
    recipe: Recipe
