"""All that a report shows of the runs on a data set, figured out from the files they left."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sentiment.base.project import Folders
from sentiment.data.dataset import TTD, Dataset
from sentiment.report import (
    accuracy_tables,
    ceilings,
    choice,
    cost_tables,
    expected,
    frame_rate_table,
    gallery,
    mistakes,
    pairs,
    pictures,
    published_data,
    runs_table,
)
from sentiment.report.ceilings import Known
from sentiment.report.choice import Choice
from sentiment.report.gallery import Row, Tested
from sentiment.report.published_data import Data
from sentiment.report.table import Table
from sentiment.runs import collect, significance
from sentiment.runs.collect import Missing, TrainedModel, noting
from sentiment.runs.others import Other, mirrored, of_the_same_images
from sentiment.runs.others import others as all_others
from sentiment.runs.picture import Picture
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import RunsWanted
from sentiment.runs.significance import Comparison

AGREE = 5
"""How many annotators agree on the photos of TTD on which models are compared."""


@dataclass(frozen=True)
class Findings:
    """All that there is to show; the page's template gives it an order."""

    models: list[TrainedModel]
    data: Data
    ttd: Data
    choice: Choice
    tables: dict[str, Table]
    pictures: dict[str, Picture]
    matrices: dict[str, pd.DataFrame]
    """Whole confusion matrices by the name of the run."""
    tested: Tested | None
    """The photos that the best model was tested on, if they are there."""
    gallery: list[Row]
    """Those it was surest about."""
    problems: list[str]
    """Files that were left out, a line each."""
    expected: list[str]
    """Whether accuracies come near the published ones, a line each."""

    @property
    def parts(self) -> list[str]:
        """Models that were trained on a part of the training images."""
        trained = [m for m in self.models if not isinstance(m.training, Missing)]
        return [m.name for m in trained if m.run.percent < 100]

    @property
    def missing(self) -> list[tuple[str, Missing]]:
        """Models that were not trained, and how to train them."""
        return [
            (m.name, m.training) for m in self.models
            if isinstance(m.training, Missing) and not m.imported
        ]  # fmt: skip

    @property
    def best(self) -> str:
        """Name of the model whose photos are shown; empty if no model was tested."""
        best = _best(self.models, self.choice)
        return best[0].name if best else ""

    @property
    def classes_with_photos(self) -> str:
        """Which classes have their photos shown."""
        best = _best(self.models, self.choice)
        classes = len(best[1].class_names) if best else 0
        if classes <= gallery.MOST_CLASSES:
            return "each true class"
        return f"the {gallery.MOST_CLASSES} of {classes} classes that are in the most mistakes"


def gather(wanted: RunsWanted, folders: Folders) -> Findings:
    """Read what the runs have left and work out all figures."""
    models = collect.trained_models(wanted, folders)
    leaking = collect.leaking_models(wanted, folders)
    problems = [problem for model in models + leaking for problem in model.problems]
    others = mirrored(models, problems)
    others += [] if models[0].imported else all_others(wanted.dataset, folders, problems)
    tested = _predictions([(m.name, m.tested) for m in models],
                          [(o.name, o.tested) for o in others], problems)  # fmt: skip
    on_ttd = _predictions([(m.name, m.ttd) for m in models],
                          [(o.name, o.ttd) for o in others], problems)  # fmt: skip
    agreed = {name: predictions.agreed(AGREE) for name, predictions in on_ttd.items()}
    data_dir = folders.data_dir
    name = models[0].tested_on
    data = published_data.trained_on(data_dir, name, next(iter(tested.values()), None))
    ttd = published_data.ttd(data_dir, TTD, next(iter(on_ttd.values()), None))
    compared = _pairwise(tested, problems)
    compared_on_ttd = _pairwise({name: p for name, p in agreed.items() if len(p)}, problems)
    chosen = choice.choose(models, compared)
    ceiling = None
    with noting(problems):
        ceiling = ceilings.known(data, folders)
    made = [*_tables(models, others, data, compared, chosen, leaking, ceiling)]
    made.append(frame_rate_table.frame_rates(folders, wanted.dataset, problems))
    if data.published or on_ttd:  # of no use to models of other classes
        made += _ttd_tables(models, others, ttd, compared_on_ttd)
    best = _best(models, chosen)
    made += mistakes.tables(*best) if best else []
    ours = {model.name for model in models}
    among_ours = [pair for pair in compared if {pair.first, pair.second} <= ours]
    drawn = pictures.draw_all(models, data, ttd, among_ours, chosen, ceiling)
    photos = _tested(best, data_dir, problems) if best else None
    return Findings(
        models,
        data,
        ttd,
        chosen,
        tables={table.name: table for table in made if len(table.frame)},
        pictures={picture.name: picture for picture in drawn},
        matrices=mistakes.matrices(models),
        tested=photos,
        gallery=_gallery(photos, problems) if photos else [],
        problems=problems,
        expected=list(expected.lines([*models, *others], data, ttd)),
    )


def _predictions(
    ours: list[tuple[str, Predictions | Missing]],
    imported: list[tuple[str, Predictions | Missing]],
    problems: list[str],
) -> dict[str, Predictions]:
    """The predictions that are there, by the model's name; imported ones of the same images."""

    def there(parts: list[tuple[str, Predictions | Missing]]) -> dict[str, Predictions]:
        return {name: part for name, part in parts if isinstance(part, Predictions)}

    models = there(ours)
    return models | of_the_same_images(models, there(imported), problems)


def _pairwise(models: dict[str, Predictions], problems: list[str]) -> list[Comparison]:
    """Compare every two models; none if they did not predict the same images."""
    with noting(problems):
        return significance.pairwise(models)
    return []


def _tables(
    models: list[TrainedModel],
    others: list[Other],
    data: Data,
    compared: list[Comparison],
    chosen: Choice,
    leaking: list[TrainedModel],
    ceiling: Known | None,
) -> list[Table]:
    """The tables that any data set has."""
    title = "Which differences on the test split are real"
    return [
        accuracy_tables.candidates(chosen, data),
        accuracy_tables.test_accuracy(models, others, data, ceiling),
        pairs.table("test_pairs", title, compared, data.difference),
        cost_tables.training_time(models, data),
        cost_tables.inference_time(models, data),
        cost_tables.cpu_load(models, data),
        cost_tables.memory(models, data),
        cost_tables.disk(models, data),
        accuracy_tables.leaking(leaking),
        runs_table.runs(models),
    ]


def _ttd_tables(
    models: list[TrainedModel], others: list[Other], ttd: Data, compared: list[Comparison]
) -> list[Table]:
    title = "Which differences on TTD, five agree, are real"
    return [
        accuracy_tables.ttd_accuracy(models, others, ttd),
        pairs.table("ttd_pairs", title, compared, ttd.difference),
    ]


def _best(models: list[TrainedModel], chosen: Choice) -> tuple[TrainedModel, Predictions] | None:
    """The model chosen, or else the most accurate of those tested, with its predictions."""
    if chosen.chosen:
        return chosen.chosen.model, chosen.chosen.predictions
    tested = collect.tested_models(models)
    return max(tested, key=lambda pair: pair[1].right.mean(), default=None)


def _tested(
    best: tuple[TrainedModel, Predictions], data_dir: Path, problems: list[str]
) -> Tested | None:
    """The photos of the best model, where its data are there."""
    model, predictions = best
    with noting(problems):
        return Tested(Dataset(data_dir, model.tested_on), predictions)
    return None


def _gallery(tested: Tested, problems: list[str]) -> list[Row]:
    with noting(problems):
        return gallery.gallery(tested)
    return []
