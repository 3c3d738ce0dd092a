"""Kaggle's dog breeds: `labels.csv` with columns id and breed, and photos `train/ID.jpg`."""

from sentiment.base.errors import UserError
from sentiment.data.collections.collection import ALL, Photo, Source, inside
from sentiment.data.collections.origin import Origin
from sentiment.data.tables import Table

LABELS = "labels.csv"


def read_labels(origin: Origin) -> Source:
    """Read `labels.csv`, to be split by class.

    Raises:
        UserError: it has other columns, or a row, which is named by its line, is of another form.
    """
    file = origin.folder / LABELS
    table = Table(file)
    if table.columns != ("id", "breed"):
        raise UserError(f"{file}:1: expected the header id,breed")
    breeds: dict[str, str] = {}
    for row in table:
        number, breed = row.text("id"), row.text("breed")
        if not number or not breed.isprintable() or not breed:
            raise UserError(f"{row.where}: expected id,breed; received {number[:40]},{breed[:40]}")
        path = inside(f"train/{number}.jpg", row.where)
        if path in breeds:
            raise UserError(f"{row.where}: {number} is listed twice; expected each photo once")
        breeds[path] = breed
    class_names = tuple(sorted(set(breeds.values())))
    photos = [Photo(path, class_names.index(breed)) for path, breed in breeds.items()]
    split = origin.reading.split
    return Source(
        origin.folder, class_names, {ALL: photos}, f"people, in {LABELS}",
        notes=(f"{LABELS} split {split} by class, seed {origin.seed}",),
        undivided={ALL: origin.reading.percents},
    ).checked()  # fmt: skip
