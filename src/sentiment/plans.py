"""What a trained model depends on: whether one that is there is the one that is wanted."""

import dataclasses
from pathlib import Path

from sentiment import model_file
from sentiment.dataset import Dataset
from sentiment.recipe import Architecture, Recipe
from sentiment.runs import Run


def plan_of(
    architecture: Architecture,
    recipe: Recipe,
    dataset: Dataset,
    run: Run,
    head_from: Path | None,
) -> dict:
    """A part of the model's card, of the run's manifest and of its checkpoint, in JSON's types.

    Args:
        head_from: the FT-F model whose FC layers FT-A starts from, or None.
    """
    return {
        "architecture": architecture.name,
        "recipe": dataclasses.asdict(recipe),
        "dataset": dataset.name,
        "data_fingerprint": dataset.fingerprint,
        "class_names": list(dataset.class_names),
        "percent": run.percent,
        "head_from_run_of": model_file.read_card(head_from)["start"] if head_from else None,
    }


def difference(before: dict, wanted: dict) -> str:
    """The first thing in which what is there differs from the plan that is wanted, if any."""

    def flat(plan: dict) -> dict:
        return {**plan, **plan.get("recipe", {}), "recipe": None}

    theirs = flat(before)
    for name, value in flat(wanted).items():
        if theirs.get(name) != value:
            return f"made with {name} {theirs.get(name)}, this run has {value}"
    return ""
