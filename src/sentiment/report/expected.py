"""Whether our accuracies come near the published ones, in words."""

from collections.abc import Iterator, Mapping

from sentiment.report import published
from sentiment.report.published import Key
from sentiment.report.published_data import Data
from sentiment.report.rows import PAPER, REPORT, SUCCESSOR, Shown
from sentiment.runs.accuracy import Accuracy
from sentiment.runs.predictions import Predictions


def lines(models: list[Shown], data: Data, ttd: Data) -> Iterator[str]:
    """A line for each accuracy that others have published of the same network, trained the same way
    and tested on the same photos; the paper's figure where there is one, or its successor's, else
    the report's.

    Nothing is said where the data are not the whole of those published.
    """
    if data.published and not data.difference:
        columns = {REPORT: published.TEST_REPORT, PAPER: published.TEST_PAPER}
        for model in models:
            if isinstance(model.tested, Predictions):
                yield from _compared(model, model.tested, f"{data.name} test split", columns)
    if not ttd.difference:
        for level in published.TTD_IMAGES:
            columns = {
                REPORT: published.TTD_REPORT.get(level, {}),
                PAPER: published.TTD_PAPER[level],
                SUCCESSOR: published.TTD_SUCCESSOR[level],
            }
            for model in models:
                if isinstance(model.ttd, Predictions):
                    where = f"TTD, at least {level} agree"
                    yield from _compared(model, model.ttd.agreed(level), where, columns)


def _compared(
    model: Shown, predicted: Predictions, where: str, columns: Mapping[str, Mapping[Key, float]]
) -> Iterator[str]:
    sources = [source for source, figures in columns.items() if model.key in figures]
    if not sources or not len(predicted):
        return
    source = sources[-1]
    figure = columns[source][model.key]
    n = len(predicted)
    low, high = Accuracy(n, round(figure * n)).interval
    ours = float(predicted.right.mean())
    within = "within" if low <= ours <= high else "not within"
    yield (
        f"{model.name}, {where}: {ours:.4f} is {within} the 95 % interval of the published "
        f"{figure:.4g} ({source}), {low:.4f} to {high:.4f}, n = {n:,}"
    )
