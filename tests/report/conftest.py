"""A report of all models that the tests of this room share."""

from pathlib import Path

import numpy as np
import pytest
from helpers.made_once import made_once
from helpers.report_files import RUNS, folders, run, write_report, write_run

from sentiment.runs import ceiling_file
from sentiment.runs.accuracy import Accuracy
from sentiment.runs.ceiling_file import Ceiling

N = 120


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of all models, made once for all workers; tests only read it."""
    work = made_once(tmp_path_factory, "complete_report", _report_all_models)
    return work / "logs" / "t4sa" / "report"


def _report_all_models(work: Path) -> None:
    """Report models that are right on different photos, with probabilities of every size."""
    random = np.random.default_rng(1)
    y_true = np.repeat([0, 1, 2], N // 3)
    for number, (network, layers) in enumerate(RUNS):
        y_prob = random.dirichlet([1, 1, 1], N).astype(np.float32)
        y_prob[np.arange(N), y_true] += 0.1 * number
        y_prob /= y_prob.sum(axis=1, keepdims=True)
        write_run(run(work, network, layers), y_true, y_prob, cost=1 + number // 2)
    agreed = {"train": Accuracy(9, 9), "test": Accuracy(N, 90)}
    place = ceiling_file.folder(folders(work), "t4sa")
    ceiling_file.write(place, "", [Ceiling("the teacher", agreed)])
    write_report(work)
