"""A file of Keras' weights, whose form Keras tells by its name alone."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

KERAS_3, OLDER = ".weights.h5", ".h5"
"""End the names of files in the form of Keras 3 and in that of older versions, both HDF5."""


@contextlib.contextmanager
def named_by_form(weights: str) -> Iterator[str]:
    """Yield a path of the same file, whatever it is called, by which Keras knows its form.

    Args:
        weights: path of a file, or what is none, such as "imagenet", which is yielded as it is.
    """
    ending, older = _ending(Path(weights)), weights.endswith((".h5", ".hdf5"))
    told = KERAS_3 if weights.endswith(KERAS_3) else OLDER if older else ""
    if not ending or ending == told:
        yield weights
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, f"weights{ending}")
        link.symlink_to(Path(weights).resolve())
        yield str(link)


def _ending(path: Path) -> str:
    """How the name of an HDF5 file of weights must end; empty for another file."""
    import h5py  # not needed for --help

    if not path.is_file() or not h5py.is_hdf5(path):
        return ""
    with h5py.File(path, "r") as content:
        older = "layer_names" in content.attrs or "model_weights" in content
        return OLDER if older else KERAS_3
