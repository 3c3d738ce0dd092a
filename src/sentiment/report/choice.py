"""Which model to deploy: the report's rule, with its numbers.

The rule: give up a little accuracy for memory and speed. Of the models whose accuracy lies in
the 95 % interval of the best, take the network with the least product of bytes and time, and of
its two ways the more accurate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sentiment.runs.accuracy import Accuracy, accuracy
from sentiment.runs.collect import TrainedModel
from sentiment.runs.significance import Comparison

RULE = (
    "Of the models whose accuracy lies in the 95 % interval of the most accurate one, the network "
    "with the least product of bytes and milliseconds an image; of its two ways, which compute "
    "the same and so cost the same, the more accurate."
)


@dataclass(frozen=True)
class Candidate:
    """A model with all that the choice needs."""

    model: TrainedModel
    accuracy: Accuracy
    milliseconds: float
    """An image, alone, on a CPU: the median over both ways of its network."""
    bytes: int
    """Of the weights."""
    within: bool = False
    """Its accuracy lies in the interval of the best."""
    front: bool = False
    """No other is as good in all of accuracy, time and size, and better in one."""


@dataclass(frozen=True)
class Choice:
    """What to deploy, or why nothing can be said."""

    candidates: list[Candidate]
    chosen: Candidate | None
    sentences: list[str]
    format: str
    """What was timed: Keras or LiteRT."""


def choose(models: list[TrainedModel], comparisons: list[Comparison]) -> Choice:
    """Choose among the models trained on the most data, by RULE."""
    complete = [m for m in models if m.own is not None and m.inference and m.weights_bytes]
    if not complete:
        needed = (
            "No choice yet: it needs a model that is there, its result on the test split, and its "
            "CPU inference measured."
        )
        return Choice([], None, [needed], "Keras")
    percent = max(m.run.percent for m in complete)
    complete = [m for m in complete if m.run.percent == percent]
    kind = "LiteRT" if all("LiteRT" in _formats(m) for m in complete) else "Keras"
    candidates = _candidates(complete, kind)
    within = [c for c in candidates if c.within]
    chosen = min(within, key=lambda c: (c.milliseconds * c.bytes, -c.accuracy.value))
    sentences = list(_sentences(chosen, candidates, comparisons))
    absent = [m.name for m in models if m not in complete]
    if absent:
        sentences.append(f"Not in the choice, for lack of a figure: {', '.join(absent)}.")
    return Choice(candidates, chosen, sentences, kind)


def _formats(model: TrainedModel) -> dict[str, list[float]]:
    """Milliseconds of single images, by format."""
    return {m["format"]: m["milliseconds"]["1"] for m in model.inference["measured"]}


def _candidates(models: list[TrainedModel], kind: str) -> list[Candidate]:
    def milliseconds(model: TrainedModel) -> float:
        alike = [_formats(m)[kind] for m in models if m.network is model.network]
        return float(np.median(np.concatenate(alike)))

    scored = [
        (m, accuracy(m.own.y_true, m.own.y_pred), milliseconds(m), m.weights_bytes) for m in models
    ]
    best = max((reached for _, reached, *_ in scored), key=lambda reached: reached.value)

    def dominated(reached: Accuracy, *costs: float) -> bool:
        ours = (-reached.value, *costs)
        others = [(-other.value, *rest) for _, other, *rest in scored]
        return any(
            all(a <= b for a, b in zip(other, ours, strict=True)) and other != ours
            for other in others
        )

    return [
        Candidate(
            *row, within=row[1].value >= best.interval[0], front=not dominated(row[1], *row[2:])
        )
        for row in scored
    ]


def _sentences(
    chosen: Candidate, candidates: list[Candidate], comparisons: list[Comparison]
) -> Iterator[str]:
    best = max(candidates, key=lambda c: (c.accuracy.value, c is chosen))
    y_true = best.model.own.y_true
    chance = float(np.bincount(y_true).max() / len(y_true))
    if best.accuracy.interval[0] <= chance:
        yield (
            "No model can be recommended yet: none is shown to be better than always saying the "
            f"most frequent class ({chance:.4f})."
        )
        name = f"By the rule it would be {chosen.model.name}"
    elif chosen.model.run.percent < 100:
        name = f"By this rehearsal, deploy {chosen.model.name}"
    else:
        name = f"Deploy {chosen.model.name}"
    cost = f"{_time(chosen)} an image on this CPU and {_size(chosen)} of weights"
    if chosen is best:
        yield f"{name}: it is the most accurate, with {chosen.accuracy}, and takes {cost}."
        return
    low, high = best.accuracy.interval
    yield (
        f"{name}: its {chosen.accuracy}, lies in the interval of the most accurate, "
        f"{best.model.name} ({best.accuracy.value:.4f}, {low:.4f} to {high:.4f}), and it takes "
        f"{cost}, instead of {_time(best)} and {_size(best)}."
    )
    names = {chosen.model.name, best.model.name}
    for pair in (c for c in comparisons if {c.first, c.second} == names):
        real = "real" if pair.real else "not shown to be real"
        yield (
            f"On the same {pair.n:,} images their difference of {100 * abs(pair.difference):.2f} "
            f"points is {real} (exact McNemar, p = {pair.p:.2g}, after Holm {pair.p_holm:.2g})."
        )


def _time(candidate: Candidate) -> str:
    return f"{candidate.milliseconds:,.1f} ms"


def _size(candidate: Candidate) -> str:
    return f"{candidate.bytes / 1e6:,.1f} MB"
