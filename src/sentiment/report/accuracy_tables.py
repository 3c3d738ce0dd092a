"""The report's tables of accuracy: Tables 2 and 3, the choice, and the leaking models."""

from sentiment.report import published
from sentiment.report.ceilings import Known
from sentiment.report.choice import RULE, Choice
from sentiment.report.published_data import Data
from sentiment.report.rows import (
    PAPER,
    REPORT,
    RERUN,
    SUCCESSOR,
    Figures,
    PublishedColumns,
    Shown,
    published_figures,
    published_notes,
    row,
    table_of,
)
from sentiment.report.table import BALANCED, COUNT, FRACTION, ONE_DIGIT, Table
from sentiment.runs.accuracy import Commonest, Reached, beside_commonest
from sentiment.runs.collect import Missing, TrainedModel
from sentiment.runs.others import Other
from sentiment.runs.predictions import Predictions
from sentiment.runs.run_files import WITH_MIRROR
from sentiment.runs.scores import DEFINITIONS, scores

SCORE_FORMATS = {
    "n": COUNT,
    "accuracy": FRACTION,
    "95 % low": FRACTION,
    "95 % high": FRACTION,
    "commonest": FRACTION,
    BALANCED: FRACTION,
    "macro-F1": FRACTION,
    "AUC": FRACTION,
    "Brier": FRACTION,
    "ECE": FRACTION,
}


def test_accuracy(
    models: list[TrainedModel], others: list[Other], data: Data, ceiling: Known | None
) -> Table:
    """Table 2; predictions with the mirror image, and the models of others, come last.

    Args:
        ceiling: what the noise of the labels allows, if it is known.
    """
    shown: list[Shown] = [*models, *others]
    columns: PublishedColumns = {
        REPORT: published.TEST_REPORT,
        PAPER: published.TEST_PAPER,
        RERUN: published.TEST_RERUN,
    }
    rows = [row(m, _scores(m.tested), published_figures(m, data, columns), m.tested) for m in shown]
    return table_of(
        "table_2_test_accuracy",
        f"Table 2: test split of {data.name}",
        rows,
        SCORE_FORMATS | dict.fromkeys(columns, FRACTION),
        [
            *_beside_commonest(f"Test split of {data.name}", {m.name: m.tested for m in shown}),
            *published_notes(models, data, published.TEST_NOTE),
            *([f"{ceiling}."] if ceiling else []),
            *_mirror_note(others),
            DEFINITIONS,
        ],
    )


def ttd_accuracy(models: list[TrainedModel], others: list[Other], data: Data) -> Table:
    """Table 3, at each level of agreement; predictions with the mirror image, and the models of
    others, come last."""
    shown: list[Shown] = [*models, *others]
    rows, beside = [], []
    for level in published.TTD_IMAGES:
        agreed = {m.name: _agreed(m.ttd, level) for m in shown}
        beside += _beside_commonest(f"At least {level} agree", agreed)
        columns: PublishedColumns = {
            REPORT: published.TTD_REPORT.get(level, {}),
            PAPER: published.TTD_PAPER[level],
            RERUN: published.TTD_RERUN[level],
            SUCCESSOR: published.TTD_SUCCESSOR[level],
        }
        for m in shown:
            figures = {"at least agree": level, **_scores(agreed[m.name])}
            rows.append(row(m, figures, published_figures(m, data, columns), m.ttd))
    return table_of(
        "table_3_ttd_accuracy",
        "Table 3: TTD by annotators that agree",
        rows,
        SCORE_FORMATS | dict.fromkeys((REPORT, PAPER, RERUN, SUCCESSOR), FRACTION),
        [
            *beside,
            *published_notes(models, data, published.TTD_NOTE),
            *_ttd_notes(data),
            *_mirror_note(others),
        ],
    )


def _mirror_note(others: list[Other]) -> list[str]:
    """What predictions with the mirror image are, where there are any."""
    if not any(other.name.endswith(WITH_MIRROR) for other in others):
        return []
    return [
        f"{WITH_MIRROR.capitalize()}: the mean of the probabilities of a photo and of its mirror "
        "image (--flip-test), which takes twice the time to predict."
    ]


def _ttd_notes(data: Data) -> list[str]:
    """What TTD's images are, and what the published accuracies on it are to be measured by."""
    if not data.published:
        return []
    commonest = {n: Commonest.among(counts) for n, counts in published.TTD_BY_CLASS.items()}
    words = (f"at least {level} agree, {always}" for level, always in commonest.items())
    best = ", ".join(f"{value} at {level}" for level, value in published.TTD_BEST_SINCE.items())
    return [
        f"Beside the published accuracies, on the whole of TTD: {'; '.join(words)}.",
        "TTD has no neutral images: the neutral column is left out, the other two scaled to sum "
        "to 1, and all figures are of these two classes.",
        f"Best published since: {best} (ViT-L/16, cross-modal distillation, other labels).",
    ]


def _agreed(ttd: Predictions | Missing, level: int) -> Predictions | Missing:
    """The predictions for photos on which so many annotators agree."""
    return ttd if isinstance(ttd, Missing) else ttd.agreed(level)


def _beside_commonest(where: str, tested: dict[str, Predictions | Missing]) -> list[str]:
    """Say which models are not better than always naming the commonest class, where known."""
    reached = {
        name: Reached.of(p.y_true, p.y_pred, p.class_names)
        for name, p in tested.items()
        if isinstance(p, Predictions) and len(p)
    }
    return beside_commonest(where, reached)


def _scores(predictions: Predictions | Missing) -> Figures:
    if isinstance(predictions, Missing) or not len(predictions):
        return dict.fromkeys(SCORE_FORMATS)
    computed = scores(predictions)
    return {
        "n": computed.reached.accuracy.n,
        **accuracy_figures(computed.reached),
        "macro-F1": computed.macro_f1,
        "AUC": computed.auc,
        "Brier": computed.brier,
        "ECE": computed.ece,
    }


def accuracy_figures(reached: Reached) -> Figures:
    """An accuracy with all that stands beside it, by column."""
    low, high = reached.accuracy.interval
    return {
        "accuracy": reached.accuracy.value,
        "95 % low": low,
        "95 % high": high,
        "commonest": reached.commonest.share,
        BALANCED: reached.balanced,
    }


def candidates(choice: Choice, data: Data) -> Table:
    """The models that the choice was made from."""
    rows = [
        {
            "model": c.model.name,
            **accuracy_figures(c.reached),
            "ms an image": c.milliseconds,
            "weights bytes": c.bytes,
            "in the best's interval": "yes" if c.within else "no",
            "Pareto front": "yes" if c.front else "no",
            "chosen": "yes" if c is choice.chosen else "no",
        }
        for c in choice.candidates
    ]
    formats = {"ms an image": ONE_DIGIT, "weights bytes": COUNT, **SCORE_FORMATS}
    notes = [data.difference] if data.difference else []
    if choice.candidates:
        notes += [f"The rule: {RULE}", f"Timed: {choice.format}, one image at a time."]
        reached = {c.model.name: c.reached for c in choice.candidates}
        notes += beside_commonest(f"Test split of {data.name}", reached)
    return table_of("choice", "The choice", rows, formats, notes)


def leaking(models: list[TrainedModel]) -> Table:
    """The scores of networks that have learned from the test images."""
    rows = []
    ttd = "TTD, at least 5 agree"
    on_ttd = {m.name: _agreed(m.ttd, 5) for m in models}
    for m in models:
        test_split: Figures = {"tested on": f"test split of {m.run.dataset}"}
        rows.append(row(m, test_split | _scores(m.tested), {}, m.tested))
        if not isinstance(m.ttd, Missing):
            rows.append(row(m, {"tested on": ttd, **_scores(on_ttd[m.name])}, {}, m.ttd))
    notes = [
        "LEAKING: these models were trained on the training, validation and test images together "
        "(--include-test-data), the replication report's idea of an upper limit. No figure here "
        "is a result, and none goes into another table, a picture or the choice.",
        *_beside_commonest("Test split", {m.name: m.tested for m in models}),
        *_beside_commonest(ttd, on_ttd),
    ]
    title = "LEAKING: models that have seen the test images"
    return table_of("leaking", title, rows, SCORE_FORMATS, notes)
