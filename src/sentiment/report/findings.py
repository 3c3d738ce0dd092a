"""All that a report shows of the runs on a data set, figured out from the files they left."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import TTD, Dataset
from sentiment.engine import backend
from sentiment.report import choice, pictures, published_data, tables
from sentiment.report.choice import Choice
from sentiment.report.gallery import Photo, Row, Tested, examples, gallery
from sentiment.report.pictures import Picture
from sentiment.report.published_data import Data
from sentiment.report.table import Table
from sentiment.runs import collect, significance
from sentiment.runs.collect import TrainedModel
from sentiment.runs.run_files import RunsWanted

log = logging.getLogger(__name__)

Made = TypeVar("Made")


@dataclass
class Findings:
    """What there is to show; see the page's template for its order."""

    models: list[TrainedModel]
    data: Data
    ttd: Data
    choice: Choice
    tables: dict[str, Table]
    pictures: dict[str, Picture]
    problems: list[str]
    """Files that were left out, a line each."""
    photos: dict[str, list[Row]] = field(default_factory=dict)
    """The gallery, and what drove the decisions."""

    @property
    def parts(self) -> list[str]:
        """Models that were trained on a part of the training images."""
        return [m.name for m in self.models if m.training and m.run.percent < 100]

    @property
    def missing(self) -> list[TrainedModel]:
        """Models that were not trained."""
        return [m for m in self.models if not m.training]

    @property
    def best(self) -> TrainedModel | None:
        """The model chosen, or else the most accurate of those tested."""
        tested = [m for m in self.models if m.own is not None]
        if self.choice.chosen:
            return self.choice.chosen.model
        return max(tested, key=lambda m: m.own.right.mean(), default=None)


def gather(wanted: RunsWanted, folders: Folders, explain: bool) -> Findings:
    """Read what the runs have left and work out all figures.

    Args:
        explain: load the models and find what drove their decisions.
    """
    models = collect.trained_models(wanted, folders)
    leaking = collect.leaking_models(wanted, folders)
    data_dir = folders.data_dir
    problems = [problem for model in models + leaking for problem in model.problems]
    tested = {m.name: m.own for m in models if m.own is not None}
    on_ttd = {m.name: m.ttd for m in models if m.ttd is not None}
    five = {name: p.agreed(5) for name, p in on_ttd.items() if len(p.agreed(5))}
    data = published_data.trained_on(data_dir, wanted.dataset, next(iter(tested.values()), None))
    ttd = published_data.ttd(data_dir, TTD, next(iter(on_ttd.values()), None))
    compared = _or_problem(partial(significance.pairwise, tested), problems, [])
    on_five = _or_problem(partial(significance.pairwise, five), problems, [])
    chosen = choice.choose(models, compared)
    made = [
        tables.candidates(chosen, data),
        tables.test_accuracy(models, data),
        tables.pairs("test_pairs", "Which differences on the test split are real", compared, data),
        tables.training_time(models, data),
        tables.inference_time(models, data),
        tables.cpu_load(models, data),
        tables.memory(models, data),
        tables.disk(models, data),
        tables.leaking(leaking),
        tables.runs(models),
    ]
    if data.published or on_ttd:  # of no use to models of other classes
        title = "Which differences on TTD, five agree, are real"
        made += [
            tables.ttd_accuracy(models, ttd),
            tables.pairs("ttd_pairs", title, on_five, ttd),
        ]
    drawn = pictures.draw_all(models, data, ttd, compared, chosen)
    found = Findings(
        models,
        data,
        ttd,
        chosen,
        {table.name: table for table in made if len(table.frame)},
        {picture.name: picture for picture in drawn},
        problems,
    )
    if found.best:
        best = found.best
        opened = partial(_open, data_dir, best)
        photos = _or_problem(opened, problems, None)
        if photos:
            found.photos["gallery"] = _or_problem(partial(gallery, photos), problems, [])
            if explain:
                found.photos["gradcam"] = _or_problem(
                    partial(_explained, models, photos, problems), problems, []
                )
    found.photos = {name: rows for name, rows in found.photos.items() if rows}
    return found


def _open(data_dir: Path, model: TrainedModel) -> Tested:
    return Tested(Dataset(data_dir, model.run.dataset), model.own)


def _explained(models: list[TrainedModel], photos: Tested, problems: list[str]) -> list[Row]:
    """A row a photo: as it is, and what drove each model's decision."""
    shown = photos.predictions
    models = [
        m for m in models
        if m.own is not None and m.run.model.exists() and np.array_equal(m.own.paths, shown.paths)
    ]  # fmt: skip
    if not models:
        return []
    backend.start(seed=0)
    from sentiment.inference import gradcam  # Keras, which no other part needs

    numbers = examples(shown)
    images = np.stack([photos.image(number) for number in numbers])
    rows = []
    for number, image in zip(numbers, images, strict=True):
        title = shown.class_names[shown.y_true[number]]
        rows.append(Row(title, [Photo(image, "the photo", str(shown.paths[number]))]))
    for model in models:
        log.info("  Grad-CAM of %s", model.name)
        said = model.own.y_pred[numbers]
        heat = _or_problem(
            partial(gradcam.heat, model.run.model, images, said), problems, [None] * len(rows)
        )
        for row, number, image, one in zip(rows, numbers, images, heat, strict=True):
            if one is not None:
                caption = f"{model.name}: {model.own.in_words(number)}"
                row.photos.append(Photo(gradcam.overlay(image, one), caption, row.photos[0].path))
    return rows


def _or_problem(make: Callable[[], Made], problems: list[str], otherwise: Made) -> Made:
    """What `make` returns; if that cannot be had, a line among the problems."""
    try:
        return make()
    except UserError as error:
        if str(error) not in problems:
            problems.append(str(error))
        return otherwise
