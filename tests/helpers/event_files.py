"""What TensorBoard's own reader finds in a run's record."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def read(folder: Path) -> EventAccumulator:
    """Read the event files of a folder, all of them."""
    found = EventAccumulator(str(folder), {"scalars": 0, "images": 0, "tensors": 0})
    return found.Reload()


def steps(folder: Path, tag: str) -> list[int]:
    """The steps at which a number was recorded, in the order of the record."""
    return [event.step for event in read(folder).Scalars(tag)]
