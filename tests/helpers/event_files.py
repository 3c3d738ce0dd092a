"""What TensorBoard's own reader finds in a run's record."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def read(folder: Path) -> EventAccumulator:
    """Read the event files of a folder, all of them."""
    found = EventAccumulator(str(folder), {"scalars": 0, "images": 0, "tensors": 0})
    return found.Reload()


def learned(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values of all numbers but times and load, which differ from run to run."""
    records = [read(folder), read(folder / "batches")]
    return {
        tag: [(event.step, event.value) for event in record.Scalars(tag)]
        for record in records
        for tag in record.Tags()["scalars"]
        if "second" not in tag and not tag.startswith("system/")
    }


def steps(folder: Path, tag: str) -> list[int]:
    """The steps at which a number was recorded, in the order of the record."""
    return [event.step for event in read(folder).Scalars(tag)]
