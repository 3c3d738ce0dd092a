"""The report's table of the runs that its figures come from."""

import dataclasses
import json

from sentiment.model.recipe import Recipe
from sentiment.report.rows import (
    Figures,
    row,
    table_of,
)
from sentiment.report.table import COUNT, Table
from sentiment.runs.collect import TrainedModel
from sentiment.runs.manifest_file import FinishedTraining

RUN_FORMATS = {
    "percent": "g",
    "train images": COUNT,
    "recipe, where it differs": "",
    "backend": "",
    "devices": "",
    "started": "",
    "machine": "",
    "commit": "",
}


def runs(models: list[TrainedModel]) -> Table:
    """The training runs that the figures come from."""
    rows, chosen = [], any(m.run.data.prefix for m in models)
    any_calibrated = any(m.calibrated for m in models)
    for m in models:
        figures: Figures = dict.fromkeys(RUN_FORMATS)
        if isinstance(m.training, FinishedTraining):
            figures = {
                "percent": m.training.percent,
                "train images": m.training.train_images,
                "recipe, where it differs": _recipe_changes(
                    m.training.recipe, m.network.recipes[m.run.layers]
                ),
                "backend": m.training.backend,
                "devices": ", ".join(m.training.devices),
                "started": m.training.start,
                "machine": m.training.machine,
                "commit": str(m.training.git_commit)[:10],
            }
        learned: Figures = {"learned": m.run.data.in_words or "listed labels"} if chosen else {}
        not_calibrated = "no" if m.run.model.exists() else None
        calibrated: Figures = (
            {"calibrated": m.calibrated or not_calibrated} if any_calibrated else {}
        )
        rows.append(row(m, learned | figures | calibrated, {}, m.training))
    return table_of("runs", "The runs", rows, RUN_FORMATS, [])


def _recipe_changes(recipe: dict[str, object], stated: Recipe) -> str:
    """The settings that differ from the stated recipe, such as `epochs 2, weights none`."""
    own = json.loads(json.dumps(dataclasses.asdict(stated)))  # in JSON's types, as the recipe is
    changed = {name: value for name, value in recipe.items() if value != own.get(name)}
    words = (f"{name.replace('_', ' ')} {_in_words(value)}" for name, value in changed.items())
    return ", ".join(words) or "none"


def _in_words(value: object) -> str:
    """A setting of a recipe; of a file its name."""
    if isinstance(value, list):
        return " ".join(value) or "none"
    return str(value).rsplit("/", 1)[-1]
