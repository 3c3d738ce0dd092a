"""What a sweep can tell of the report's observations, and of every setting that it tried."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sentiment.experiments.sweep.trial import Diverged, Finished
from sentiment.model.recipe import Recipe
from sentiment.runs import significance
from sentiment.runs.accuracy import Accuracy
from sentiment.runs.significance import Comparison

MOST_VALUES = 6
"""Values of a setting up to which they are compared with each other."""

Trials = Sequence[Finished | Diverged]


@dataclass(frozen=True)
class Answer:
    """A question and what the trials say of it."""

    question: str
    sentences: list[str]


@dataclass(frozen=True)
class Pair:
    """Two values of a setting, and the best trial of each; None where every one diverged."""

    setting: str
    usual: object
    other: object
    usual_best: Finished | None
    other_best: Finished | None


def answers(trials: Trials, base: Recipe, settings: list[str], classes: int) -> list[Answer]:
    """Every question that these trials can answer.

    Args:
        base: what the trials would be without their own settings.
        settings: the fields of the recipe in which the trials differ.
        classes: number of classes of the data.
    """
    answered = []
    if len(_values(trials, "learning_rate")) > 1:
        sentences = list(_divergence(trials, classes))
        answered.append(Answer("Which learning rates diverge?", sentences))
    pairs = [
        pair
        for setting in settings
        if setting != "learning_rate" and len(_values(trials, setting)) <= MOST_VALUES
        for pair in _pairs(trials, base, setting)
    ]
    comparisons = _compare(pairs)
    return answered + [_answer(pair, comparisons) for pair in pairs]


def in_words(value: object) -> str:
    """A setting's value."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(trials: Trials, setting: str) -> list:
    return list(dict.fromkeys(getattr(trial.recipe, setting) for trial in trials))


def _divergence(trials: Trials, classes: int) -> Iterator[str]:
    """What came of each learning rate, by optimiser."""
    blank = math.log(classes)
    yield (
        f"A model that knows nothing has a loss of ln {classes} = {blank:.2f}; a trial that ends "
        "over it, in training, is worse than that."
    )
    for optimizer in _values(trials, "optimizer"):
        tried = [trial for trial in trials if trial.recipe.optimizer == optimizer]
        rates = sorted(_values(tried, "learning_rate"), reverse=True)
        if len(rates) <= MOST_VALUES:
            by_rate = (
                (rate, [trial for trial in tried if trial.recipe.learning_rate == rate])
                for rate in rates
            )
            fates = (f"{rate:g}: {_fate(at_rate, blank)}" for rate, at_rate in by_rate)
            yield f"{optimizer}: {'; '.join(fates)}."
        else:
            yield f"{optimizer}, {len(rates)} rates: {_fate(tried, blank)}."


def _fate(trials: Trials, blank: float) -> str:
    """Such as `1 of 2 no number (epoch 3), 1 worse than nothing (loss 5.1)`."""
    diverged = [trial.last_epoch for trial in trials if isinstance(trial, Diverged)]
    losses = [trial.last_loss for trial in trials if isinstance(trial, Finished)]
    worse = [loss for loss in losses if loss > blank]
    parts = []
    if diverged:
        epochs = ", ".join(map(str, sorted(set(diverged))))
        parts.append(f"{len(diverged)} of {len(trials)} no longer a number (epoch {epochs})")
    if worse:
        least, most = (f"{loss:,.2f}" for loss in (min(worse), max(worse)))
        span = least if least == most else f"{least} to {most}"
        parts.append(f"{len(worse)} of {len(trials)} worse than nothing (loss {span})")
    return " and ".join(parts) or f"{len(trials)} of {len(trials)} learned"


def _pairs(trials: Trials, base: Recipe, setting: str) -> Iterator[Pair]:
    """A setting's usual value with each other one that was tried."""
    values = _values(trials, setting)
    usual = getattr(base, setting)
    if usual not in values:
        usual = values[0]
    for other in values:
        if other != usual:
            best = (_best(trials, setting, value) for value in (usual, other))
            yield Pair(setting, usual, other, *best)


def _best(trials: Trials, setting: str, value: object) -> Finished | None:
    """The best trial with a value, by validation alone."""
    with_value = [
        trial
        for trial in trials
        if isinstance(trial, Finished) and getattr(trial.recipe, setting) == value
    ]
    return min(with_value, key=lambda trial: trial.rank, default=None)


def _compare(pairs: list[Pair]) -> dict[tuple[int, int], Comparison]:
    """Compare on the same test images, corrected for all pairs; by the trials' numbers."""
    both = [(p.other_best, p.usual_best) for p in pairs if p.other_best and p.usual_best]
    models = {str(trial.number): trial.predictions for pair in both for trial in pair}
    names = [(str(other.number), str(usual.number)) for other, usual in both]
    comparisons = significance.compare(models, names)
    return {(int(c.first), int(c.second)): c for c in comparisons}


def _answer(pair: Pair, comparisons: dict[tuple[int, int], Comparison]) -> Answer:
    name, usual, other = pair.setting.replace("_", " "), in_words(pair.usual), in_words(pair.other)
    question = f"Is {name} {other} better than {usual}?"
    if pair.setting == "optimizer":
        question = f"Does {other} fit training better than {usual}, and test worse?"
    if pair.usual_best is None or pair.other_best is None:
        best = {usual: pair.usual_best, other: pair.other_best}
        lost = " and ".join(value for value, trial in best.items() if trial is None)
        return Answer(question, [f"Every trial with {name} {lost} diverged."])
    comparison = comparisons[pair.other_best.number, pair.usual_best.number]
    return Answer(question, [
        f"Compared are the best of each by validation: trial {pair.other_best.number} ({other}) "
        f"with trial {pair.usual_best.number} ({usual}).",
        _fit(pair.other_best.accuracy("last training"), pair.usual_best.accuracy("last training")),
        f"Test, {comparison.n:,} images: {pair.other_best.accuracy('test').value:.4f} against "
        f"{pair.usual_best.accuracy('test').value:.4f}; {other} alone right "
        f"{comparison.only_first}, {usual} alone {comparison.only_second}. {_verdict(comparison)}",
        *_balanced(pair.other_best, pair.usual_best),
    ])  # fmt: skip


def _balanced(other: Finished, usual: Finished) -> Iterator[str]:
    """Compare balanced accuracies, where the classes of the test split are uneven."""
    of_other, of_usual = other.tested.balanced, usual.tested.balanced
    if of_other is None or of_usual is None:
        return
    difference = significance.balanced_difference(other.predictions, usual.predictions)
    low, high = difference.interval
    verdict = "No difference can be told."
    if low > 0 or high < 0:
        verdict = f"{'Better' if low > 0 else 'Worse'}: the interval leaves 0 out."
    yield (
        f"Test, balanced accuracy: {of_other:.4f} against {of_usual:.4f}, {difference.value:+.4f} "
        f"(95 % interval {low:+.4f} to {high:+.4f}). {verdict}"
    )


def _fit(other: Accuracy, usual: Accuracy) -> str:
    apart = other.interval[0] > usual.interval[1] or other.interval[1] < usual.interval[0]
    better = "better" if other.value > usual.value else "worse"
    verdict = f"Fits {better}: the intervals are apart." if apart else "No difference can be told."
    return (
        f"Training, last epoch: {_brief(other)} against {_brief(usual)}, n = {other.n:,}. {verdict}"
    )


def _verdict(comparison: Comparison) -> str:
    p = f"exact McNemar p = {comparison.p:.2g}, after Holm {comparison.p_holm:.2g}"
    if not comparison.real:
        return f"No difference can be told ({p})."
    return f"{'Better' if comparison.difference > 0 else 'Worse'}, and really so ({p})."


def _brief(accuracy: Accuracy) -> str:
    low, high = accuracy.interval
    return f"{accuracy.value:.4f} ({low:.4f} to {high:.4f})"
