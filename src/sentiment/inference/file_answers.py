"""A model's answers to photos' files, on all cores."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from joblib import Parallel, delayed

from sentiment.base.errors import BadImage
from sentiment.data import decode
from sentiment.inference.interpreters import Answer, Interpreters, answer


def answers(model: Interpreters, paths: Sequence[str]) -> Iterator[Answer | BadImage]:
    """Decode and predict photos, a few ahead of what is asked for.

    Yields:
        For each photo in turn the answer, or why there is none.

    Raises:
        OSError: the disk or a folder cannot be read, which is no photo's fault.
    """
    pool = Parallel(model.threads, return_as="generator", prefer="threads")
    return pool(delayed(_answer)(model, path) for path in paths)


def _answer(model: Interpreters, path: str) -> Answer | BadImage:
    try:
        content = decode.read(Path(path))
        with model.taken() as interpreter:
            return answer(content, interpreter)
    except BadImage as bad:
        return bad
    except PermissionError as error:
        return BadImage("missing", str(error.strerror).lower())
