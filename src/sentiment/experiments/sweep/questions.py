"""What a sweep can tell of the report's observations, and of every setting that it tried."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sentiment.experiments.sweep.trial import Trial
from sentiment.model.recipe import Recipe
from sentiment.runs import significance
from sentiment.runs.accuracy import Accuracy
from sentiment.runs.significance import Comparison

MOST_VALUES = 6
"""Of a setting, up to which its values are compared with each other."""


@dataclass(frozen=True)
class Answer:
    """A question and what the trials say of it."""

    question: str
    sentences: list[str]


def answers(trials: list[Trial], base: Recipe, fields: list[str], classes: int) -> list[Answer]:
    """Every question that these trials can answer.

    Args:
        base: what the trials would be without their own settings.
        fields: the settings in which they differ.
        classes: of the data.
    """
    found = []
    if len(_values(trials, "learning_rate")) > 1:
        sentences = list(_divergence(trials, classes))
        found.append(Answer("Which learning rates diverge?", sentences))
    pairs = {
        field: list(_pairs(trials, base, field)) for field in fields
        if field != "learning_rate" and 1 < len(_values(trials, field)) <= MOST_VALUES
    }  # fmt: skip
    compared = _compare([pair for of_field in pairs.values() for pair in of_field])
    for field, of_field in pairs.items():
        for pair in of_field:
            found.append(_against(field, *pair, compared))
    return found


def in_words(value: object) -> str:
    """A setting's value."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(trials: list[Trial], field: str) -> list:
    return list(dict.fromkeys(getattr(t.recipe, field) for t in trials))


def _divergence(trials: list[Trial], classes: int) -> Iterator[str]:
    """What came of each learning rate, by optimiser."""
    blank = math.log(classes)
    yield (
        f"A model that knows nothing has a loss of ln {classes} = {blank:.2f}; a trial that ends "
        "over it, in training, is worse than that."
    )
    for optimizer in _values(trials, "optimizer"):
        parts = []
        for rate in sorted(_values(trials, "learning_rate"), reverse=True):
            some = [
                t for t in trials
                if (t.recipe.optimizer, t.recipe.learning_rate) == (optimizer, rate)
            ]  # fmt: skip
            if some:
                parts.append(f"{rate:g}: {_fate(some, blank)}")
        if len(parts) <= MOST_VALUES:
            yield f"{optimizer}: {'; '.join(parts)}."
        else:
            some = [t for t in trials if t.recipe.optimizer == optimizer]
            yield f"{optimizer}, {len(parts)} rates: {_fate(some, blank)}."


def _fate(trials: list[Trial], blank: float) -> str:
    """Such as `1 of 2 no number (epoch 3), 1 worse than nothing (loss 5.1)`."""
    lost = [t.diverged for t in trials if t.diverged is not None]
    worse = [t.last_loss for t in trials if t.diverged is None and t.last_loss > blank]
    parts = []
    if lost:
        epochs = ", ".join(map(str, sorted(set(lost))))
        parts.append(f"{len(lost)} of {len(trials)} no longer a number (epoch {epochs})")
    if worse:
        least, most = (f"{loss:,.2f}" for loss in (min(worse), max(worse)))
        span = least if least == most else f"{least} to {most}"
        parts.append(f"{len(worse)} of {len(trials)} worse than nothing (loss {span})")
    return " and ".join(parts) or f"{len(trials)} of {len(trials)} learned"


def _pairs(trials: list[Trial], base: Recipe, field: str) -> Iterator[tuple]:
    """A setting's usual value, another one, and the best trial of each; None where all diverged."""
    values = _values(trials, field)
    usual = getattr(base, field)
    if usual not in values:
        usual = values[0]
    for other in values:
        if other != usual:
            yield usual, other, *(_best(trials, field, value) for value in (usual, other))


def _best(trials: list[Trial], field: str, value: object) -> Trial | None:
    """By validation alone."""
    some = [t for t in trials if getattr(t.recipe, field) == value and t.diverged is None]
    return min(some, key=lambda t: t.rank, default=None)


def _compare(pairs: list[tuple]) -> dict[tuple[int, int], Comparison]:
    """On the same test images, corrected for all pairs of the sweep; by the trials' numbers."""
    both = [(one, other) for _, _, one, other in pairs if one and other]
    models = {str(t.number): t.predicted for pair in both for t in pair}
    names = [(str(other.number), str(one.number)) for one, other in both]
    return {
        (int(c.first), int(c.second)): c for c in significance.compare(models, names)
    }  # fmt: skip


def _against(
    field: str,
    usual: object,
    other: object,
    one: Trial | None,
    its: Trial | None,
    compared: dict[tuple[int, int], Comparison],
) -> Answer:
    name = field.replace("_", " ")
    ours, theirs = in_words(other), in_words(usual)
    question = f"Is {name} {ours} better than {theirs}?"
    if field == "optimizer":
        question = f"Does {ours} fit training better than {theirs}, and test worse?"
    lost = [in_words(v) for v, t in ((usual, one), (other, its)) if t is None]
    if lost:
        return Answer(question, [f"Every trial with {name} {' and '.join(lost)} diverged."])
    c = compared[its.number, one.number]
    sentences = [
        f"Compared are the best of each by validation: trial {its.number} ({ours}) with trial "
        f"{one.number} ({theirs}).",
        _fit(its.accuracy("last training"), one.accuracy("last training")),
        f"Test, {c.n:,} images: {its.accuracy('test').value:.4f} against "
        f"{one.accuracy('test').value:.4f}; {ours} alone right {c.only_first}, {theirs} alone "
        f"{c.only_second}. {_verdict(c)}",
    ]
    return Answer(question, sentences)


def _fit(ours: Accuracy, theirs: Accuracy) -> str:
    apart = ours.interval[0] > theirs.interval[1] or ours.interval[1] < theirs.interval[0]
    better = "better" if ours.value > theirs.value else "worse"
    verdict = f"Fits {better}: the intervals are apart." if apart else "No difference can be told."
    return (
        f"Training, last epoch: {_brief(ours)} against {_brief(theirs)}, n = {ours.n:,}. {verdict}"
    )


def _verdict(c: Comparison) -> str:
    p = f"exact McNemar p = {c.p:.2g}, after Holm {c.p_holm:.2g}"
    if not c.real:
        return f"No difference can be told ({p})."
    return f"{'Better' if c.difference > 0 else 'Worse'}, and really so ({p})."


def _brief(reached: Accuracy) -> str:
    low, high = reached.interval
    return f"{reached.value:.4f} ({low:.4f} to {high:.4f})"
