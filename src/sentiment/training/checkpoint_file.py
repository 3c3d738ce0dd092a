"""A checkpoint of training on the disk: arrays and a state in JSON, in one npz file.

Every member of the archive carries a checksum, which reading compares.
"""

import json
import zipfile
from pathlib import Path

import numpy as np

from sentiment.base import files
from sentiment.base.errors import UserError

KINDS = ("variables", "optimizer", "metrics", "random", "best")
"""Kinds of arrays: the file holds a list of each, such as variables_0, variables_1."""

STATE = "state"
"""Name of the member that holds the state."""

DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
"""Errors that NumPy raises for files that are cut or changed."""

REMEDY = "remove it to start anew"


def write(file: Path, state: dict, arrays: dict[str, list[np.ndarray]]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        state: JSON; its `plan` is what the run depends on, and when it began.
        arrays: a list for each of KINDS.
    """
    named = {f"{kind}_{i}": array for kind in KINDS for i, array in enumerate(arrays[kind])}
    with files.whole_file(file) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **{STATE: json.dumps(state)}, **named)


def read(file: Path) -> tuple[dict, dict[str, list[np.ndarray]]]:
    """Read a checkpoint.

    Returns:
        State and arrays, as `write` takes them.

    Raises:
        UserError: the file is damaged.
    """
    arrays: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    try:
        with np.load(file, allow_pickle=False) as stored:
            state = json.loads(str(stored[STATE]))
            for name in stored.files:
                if name != STATE:
                    arrays[name.rpartition("_")[0]].append(stored[name])
    except DAMAGED as error:
        raise UserError(f"{file}: damaged ({error}); {REMEDY}") from None
    return state, arrays


def read_plan(file: Path) -> dict:
    """Read the plan alone: what the run that wrote the checkpoint depends on, and its start.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            return json.loads(str(stored[STATE]))["plan"]
    except DAMAGED as error:
        raise UserError(f"{file}: damaged ({error}); {REMEDY}") from None
