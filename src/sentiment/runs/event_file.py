"""TensorBoard's record of a run: files of events, written without TensorFlow."""

import importlib.util
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.base.errors import UserError

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

TENSORBOARD = "tensorboard==2.21.0"

Setting = bool | int | float | str


def check_installed() -> None:
    """Check that TensorBoard can be imported.

    Raises:
        UserError: it cannot.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError(f"--tensorboard: TensorBoard is not installed; pip install {TENSORBOARD}")


class EventFile:
    """Adds events to a folder, in a new file of their own; each is on the disk once it is added.

    Args:
        folder: is made if it is missing.
        first_step: what earlier files say of this step and later ones is forgotten by
            TensorBoard, for it is said anew.
    """

    def __init__(self, folder: Path, first_step: int):
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads the files in the order of their names.
        number = len(list(folder.glob("events.out.tfevents.*")))
        self._records = RecordWriter((folder / f"events.out.tfevents.{number:06}").open("wb"))
        self._add(file_version="brain.Event:2")
        self._add(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def close(self) -> None:
        """Add no more."""
        self._records.close()

    def add_scalars(self, step: int, scalars: Mapping[str, float], when: float) -> None:
        """Add numbers by their tags.

        Args:
            when: seconds since 1970.
        """
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._add(step=step, wall_time=when, summary=Summary(value=values))

    def add_text(self, tag: str, text: str) -> None:
        """Add a text in Markdown."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.text.metadata import create_summary_metadata
        from tensorboard.util.tensor_util import make_tensor_proto

        value = Summary.Value(
            tag=tag,
            metadata=create_summary_metadata(None, None),
            tensor=make_tensor_proto(text),
        )
        self._add(summary=Summary(value=[value]))

    def add_settings(self, settings: Mapping[str, Setting]) -> None:
        """Add what the run was told, for the table in which TensorBoard compares runs."""
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        self._add(summary=hparams_pb(settings))

    def add_picture(self, step: int, tag: str, png: bytes) -> None:
        """Add a picture in PNG."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        value = Summary.Value(tag=tag, image=Summary.Image(encoded_image_string=png))
        self._add(step=step, summary=Summary(value=[value]))

    def _add(self, **event: "str | float | Summary | object") -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        record = Event(**({"wall_time": time.time()} | event))
        self._records.write(record.SerializeToString())
        self._records.flush()
