"""Chooses the model to deploy, by the report's rule.

The rule: give up a little accuracy for memory and speed. Of the models whose accuracy lies in
the 95 % interval of the best, take the network with the least product of bytes and time, and of
its two ways the more accurate.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sentiment.runs.accuracy import Accuracy, Reached
from sentiment.runs.collect import TrainedModel
from sentiment.runs.inference_file import Inference
from sentiment.runs.predictions import Predictions
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
    predictions: Predictions
    """Predictions for the test split."""
    reached: Reached
    milliseconds: float
    """Time of one image, alone, on a CPU: the median over both ways of its network."""
    bytes: int
    """Size of the weights."""
    within: bool = False
    """Whether its accuracy lies in the interval of the best."""
    front: bool = False
    """Whether no other is as good in all of accuracy, time and size, and better in one."""

    @property
    def accuracy(self) -> Accuracy:
        """Accuracy on the test split."""
        return self.reached.accuracy

    @property
    def costs(self) -> tuple[float, float, int]:
        """Accuracy, time and size as numbers of which less is better."""
        return -self.accuracy.value, self.milliseconds, self.bytes


@dataclass(frozen=True)
class Choice:
    """The model to deploy, or why nothing can be said."""

    candidates: list[Candidate]
    chosen: Candidate | None
    sentences: list[str]
    format: str
    """The format that was timed: Keras or LiteRT."""


@dataclass(frozen=True)
class _Measured:
    """A model whose accuracy and costs are both known."""

    model: TrainedModel
    predictions: Predictions
    inference: Inference

    @property
    def formats(self) -> dict[str, np.ndarray]:
        """Milliseconds of the calls with a single image, by format; float64 (calls,)."""
        return {timing.format: timing.milliseconds[1] for timing in self.inference.timings}


def choose(models: list[TrainedModel], comparisons: list[Comparison]) -> Choice:
    """Choose among the models trained on the most data, by RULE."""
    measured = [
        _Measured(m, m.tested, m.inference)
        for m in models
        if isinstance(m.tested, Predictions) and isinstance(m.inference, Inference)
    ]
    if not measured:
        needed = (
            "No choice yet: it needs a model that is there, its result on the test split, and its "
            "CPU inference measured."
        )
        return Choice([], None, [needed], "Keras")
    percent = max(m.model.run.percent for m in measured)
    measured = [m for m in measured if m.model.run.percent == percent]
    kind = "LiteRT" if all("LiteRT" in m.formats for m in measured) else "Keras"
    candidates = _candidates(measured, kind)
    within = [c for c in candidates if c.within]
    chosen = min(within, key=lambda c: (c.milliseconds * c.bytes, -c.accuracy.value))
    sentences = list(_sentences(chosen, candidates, comparisons))
    names = [c.model.name for c in candidates]
    absent = [m.name for m in models if m.name not in names]
    if absent:
        sentences.append(f"Not in the choice, for lack of a figure: {', '.join(absent)}.")
    return Choice(candidates, chosen, sentences, kind)


def _candidates(measured: list[_Measured], kind: str) -> list[Candidate]:
    """The models as candidates, timed in a format."""
    candidates = []
    for m in measured:
        alike = [same.formats[kind] for same in measured if same.model.network is m.model.network]
        candidates.append(
            Candidate(
                m.model,
                m.predictions,
                Reached.of(m.predictions.y_true, m.predictions.y_pred, m.predictions.class_names),
                milliseconds=float(np.median(np.concatenate(alike))),
                bytes=m.inference.weights_bytes,
            )
        )
    best = max((c.accuracy for c in candidates), key=lambda reached: reached.value)
    return [
        dataclasses.replace(
            c,
            within=c.accuracy.value >= best.interval[0],
            front=not any(_dominates(rival, c) for rival in candidates),
        )
        for c in candidates
    ]


def _dominates(rival: Candidate, candidate: Candidate) -> bool:
    """Whether a rival is as good in all of accuracy, time and size, and better in one."""
    as_good = all(a <= b for a, b in zip(rival.costs, candidate.costs, strict=True))
    return as_good and rival.costs != candidate.costs


def _sentences(
    chosen: Candidate, candidates: list[Candidate], comparisons: list[Comparison]
) -> Iterator[str]:
    best = max(candidates, key=lambda c: (c.accuracy.value, c is chosen))
    if not best.reached.better:
        yield (
            "No model can be recommended yet: the most accurate, "
            f"{best.model.name}, is {best.reached.beside}."
        )
        name = f"By the rule it would be {chosen.model.name}"
    elif chosen.model.run.percent < 100:
        name = f"By this rehearsal, deploy {chosen.model.name}"
    else:
        name = f"Deploy {chosen.model.name}"
    cost = f"{_time(chosen)} an image on this CPU and {_size(chosen)} of weights"
    if chosen is best:
        yield (
            f"{name}: it is the most accurate, with {chosen.accuracy} ({chosen.reached.beside}), "
            f"and takes {cost}."
        )
        return
    low, high = best.accuracy.interval
    yield (
        f"{name}: its {chosen.accuracy} ({chosen.reached.beside}), lies in the interval of the "
        f"most accurate, {best.model.name} ({best.accuracy.value:.4f}, {low:.4f} to {high:.4f}), "
        f"and it takes {cost}, instead of {_time(best)} and {_size(best)}."
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
