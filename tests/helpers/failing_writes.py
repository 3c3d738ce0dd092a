"""Train where every write fails at some size of its file, and then where none does.

Command, with src and tests in PYTHONPATH:

    python tests/helpers/failing_writes.py DATA_DIR WORK_DIR
"""

import dataclasses
import errno
import json
import resource
import sys
from pathlib import Path

import numpy as np

from helpers.small_checkout import architecture
from sentiment.base import cli
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.model import model_file
from sentiment.model.recipe import Recipe
from sentiment.runs.run_files import TrainingData
from sentiment.training import checkpoint_file, train

RECIPE = Recipe(layers="all", weights="none", epochs=2, batch_size=64)
LIMITS = [0, 200, 400, 1000, 2000, 4000, 8000, 16_000, 30_000, 50_000]
"""Bytes that a file may have: each lets one more of the run's files be written."""


def damaged(work: Path) -> list[str]:
    """Files under a final name that are not whole; logs grow, and may end anywhere."""
    wrong = []
    for file in work.rglob("*"):
        try:
            if file.name.startswith(".") or file.is_dir() or file.suffix == ".log":
                continue
            if file.suffix == ".json":
                json.loads(file.read_bytes())
            elif file.name.endswith("_checkpoint.npz"):
                checkpoint_file.read(file)
            elif file.suffix == ".keras":
                model_file.check(file)
            elif file.name.endswith("_history.csv"):
                assert len({line.count(",") for line in file.read_text().splitlines()}) == 1
        except (ValueError, UserError, AssertionError) as error:
            wrong.append(f"{file}: {error}")
    return wrong


def main() -> None:
    data_dir, work = map(Path, sys.argv[1:])
    folders = Folders(data_dir, work / "logs", work / "models")
    options = train.Options(RECIPE, TrainingData("drawn"), folders=folders)
    network = architecture()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    failed = []
    for limit in LIMITS:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
        try:
            train.train(network, RECIPE, options)
        except (OSError, UserError) as error:
            failed.append(limit)
            print(f"{limit} bytes: {error}")
            assert isinstance(error, UserError) or error.errno in (errno.EFBIG, None), error
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        assert damaged(work) == []
    assert failed[:5] == LIMITS[:5], failed
    train.train(network, RECIPE, options)
    folders = Folders(data_dir, work / "calm", work / "calm")
    calm = dataclasses.replace(options, folders=folders)
    train.train(network, RECIPE, calm)
    after_failures, undisturbed = (
        model_file.load(folder / "drawn" / "all_layers_tinynet.keras").get_weights()
        for folder in (work / "models", work / "calm")
    )
    assert all(map(np.array_equal, after_failures, undisturbed))


if __name__ == "__main__":
    with cli.command():
        main()
