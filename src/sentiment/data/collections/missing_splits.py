"""Splits that a collection lacks, and from which of those it has they are drawn."""

from collections.abc import Mapping

from sentiment.base.errors import UserError
from sentiment.data.collections.collection import ALL
from sentiment.data.collections.origin import Origin


def drawn(
    origin: Origin, there: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, dict[str, float]]]:
    """Say which splits are to be drawn at random.

    Args:
        origin: the collection.
        there: what the splits that it has, or ALL, are called there.

    Returns:
        Notes for a person, and what `Source.undivided` holds.

    Raises:
        UserError: there are no training photos, nor test photos alone.
    """
    by_lot = f"by class, seed {origin.seed}"
    if set(there) == {ALL}:
        percents = origin.reading.percents
        return (f"no splits: split {origin.reading.split} {by_lot}",), {ALL: percents}
    if set(there) == {"test"} or len(there) == 3:
        return (), {}
    if "train" not in there:
        raise UserError(
            f"{origin.folder}: {', '.join(there.values())} alone; expected training photos too, or "
            "test photos alone, or photos without splits"
        )
    if "validation" in there:
        name = there["validation"]
        return (f"no test photos: {name} was halved, {by_lot}",), {
            "validation": {"validation": 50, "test": 50}
        }
    name = there["train"]
    if "test" in there:
        return (f"no validation photos: a tenth of {name} was taken, {by_lot}",), {
            "train": {"train": 90, "validation": 10}
        }
    percents = origin.reading.percents
    return (f"{name} alone: split {origin.reading.split} {by_lot}",), {"train": percents}
