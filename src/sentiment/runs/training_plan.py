"""All that a trained model depends on, to tell whether one that is there is the one wanted."""

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sentiment.base.errors import UserError
from sentiment.data import image_size, stratify
from sentiment.data.dataset import Dataset
from sentiment.model import model_file, model_origin
from sentiment.model.recipe import Architecture, Recipe
from sentiment.runs import learned_images
from sentiment.runs.run_files import Run

DEFAULTS = {
    field.name: json.loads(json.dumps(field.default))
    for field in dataclasses.fields(Recipe)
    if field.default is not dataclasses.MISSING
}
"""The recipe's defaults, in JSON's types."""

STOPPED = "stopped"
"""The status, in card and manifest, of a training that a time budget has stopped."""


@dataclass(frozen=True)
class Training:
    """One training: what learns how, on what, and where it leaves its files.

    Raises:
        UserError: the network does not take images of the data's size.
    """

    architecture: Architecture
    recipe: Recipe
    dataset: Dataset
    run: Run
    head_from: Path | None = None
    """The FT-F model whose FC layers FT-A starts from."""
    start: str = ""
    """When it began, ISO 8601, which tells runs of one plan apart; one that goes on keeps it."""

    def __post_init__(self) -> None:
        self.architecture.check_side(self.dataset.side, self.dataset.name)

    @cached_property
    def plan(self) -> dict:
        """All that the model depends on, in JSON's types: a part of its card, of the run's
        manifest and of its checkpoint."""
        start = model_file.read_card(self.head_from)["start"] if self.head_from else None
        return {
            "architecture": self.architecture.name,
            "recipe": json.loads(json.dumps(dataclasses.asdict(self.recipe))),
            "dataset": self.dataset.name,
            "data_fingerprint": self.dataset.fingerprint,
            "class_names": list(self.dataset.class_names),
            **image_size.entry(self.dataset.side),
            "percent": self.run.percent,
            "head_from_run_of": start,
            **learned_images.plan(self.run.data),
            **({model_file.LEAKS: True} if self.run.leaking else {}),
        }


def sections(run: Run) -> dict[str, tuple[str, ...]]:
    """The splits of the data that a run learns from, and those that it stops early by."""
    learned = ("train", "validation", "test") if run.leaking else ("train",)
    return {"train": learned, "validation": ("validation",)}


def counts(dataset: Dataset, run: Run, seed: int) -> dict[str, dict[str, int]]:
    """How many images of each class a run takes for "train" and "validation", by their labels'
    order.

    Args:
        seed: the recipe's.

    Raises:
        UserError: the data do not hold what is to be learned.
    """
    listed = listed_counts(dataset, run)
    if not run.data.prefix:
        return listed
    train = learned_images.counts(dataset, sections(run)["train"], run.data, seed)
    return listed | {"train": train}


def listed_counts(dataset: Dataset, run: Run) -> dict[str, dict[str, int]]:
    """The same by the listed labels, before any photo is left out."""
    return {
        split: {
            name: sum(
                stratify.share(dataset.counts(section)[name], run.percent)
                for section in of_split
                if dataset.counts(section)[name]
            )
            for name in dataset.class_names
        }
        for split, of_split in sections(run).items()
    }


def check_leaking(path: Path, card: dict, run: Run) -> None:
    """Check that a model's name says whether it has learned from the test images, as its card does.

    Raises:
        UserError: the name and the card differ.
    """
    leaks = bool(card.get(model_file.LEAKS))
    if leaks != run.leaking:
        has = "has" if leaks else "has not"
        raise UserError(f"{path}: {has} learned from the test images, its name says otherwise")


def difference(before: dict, wanted: dict) -> str:
    """The first entry in which the plan of what is there differs from the wanted one, in words;
    empty if there is none.

    A field of the recipe that is not there did not exist yet, and counts as the default, which does
    what was done before.
    """

    def flat(plan: dict) -> dict:
        return {**DEFAULTS, **plan, **plan.get("recipe", {}), "recipe": None}

    if model_origin.is_imported(before):
        return model_origin.in_words(before)
    made = flat(before)
    for name, value in flat(wanted).items():
        if made.get(name) != value:
            return f"made with {name} {made.get(name)}, this run has {value}"
    return ""


def stopped(card: dict) -> str:
    """Where a time budget has stopped the training of a model, in words; empty if it was not."""
    if card.get("status") != STOPPED:
        return ""
    last, epochs = card["last_epoch"], card["recipe"]["epochs"]
    return f"stopped by its time budget after epoch {last} of {epochs}"


def head_model(recipe: Recipe, dataset: Dataset, run: Run) -> Path | None:
    """The FT-F model of the same data whose FC layers a run starts from; None if from none.

    Raises:
        UserError: it is not there, not finished, or was trained on other data or features.
    """
    if recipe.head == "fresh":
        return None
    trained = dataclasses.replace(run, layers="fc")
    command = trained.training_command
    remedy = f"train it first ({command}), or start from new FC layers with --head fresh"
    if not trained.model.exists():
        raise UserError(f"{trained.model}: not there, and FT-A starts from its FC layers; {remedy}")
    card = model_file.read_card(trained.model)
    if model_origin.is_imported(card):
        raise UserError(f"{trained.model}: {model_origin.in_words(card)}, on other data; {remedy}")
    check_leaking(trained.model, card, trained)
    if where := stopped(card):
        raise UserError(f"{trained.model}: {where}, and FT-A starts from its FC layers; {command}")
    wanted = {
        "percent": run.percent,
        "data_fingerprint": dataset.fingerprint,
        "class_names": list(dataset.class_names),
        "preprocessing": recipe.preprocessing,
        **learned_images.plan(run.data),
    }
    made = card | card["recipe"]
    for name, value in wanted.items():
        if made.get(name) != value:
            raise UserError(
                f"{trained.model}: trained with {name} {made.get(name)}, this run has {value}; "
                f"{remedy}"
            )
    return trained.model
