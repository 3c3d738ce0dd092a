"""Photo collections in the forms that are prepared: the real ones, and small ones to make."""

from pathlib import Path

import numpy as np
from PIL import Image

from sentiment.data.split import Split

KINDS = {"t4sa": "tweets", "ttd": "ttd", "dogs": "dogs"}
"""By kind, the folder of real photos."""
CLASS_NAMES = {
    "t4sa": ("negative", "neutral", "positive"),
    "ttd": ("negative", "positive"),
    "dogs": ("Beagle", "Siberian_Husky", "Toy_Poodle"),
}


def listed(file: Path) -> list[tuple[str, int]]:
    """Path and label of each line."""
    lines = (line.split(" ") for line in file.read_text().splitlines())
    return [(path, int(label)) for path, label in lines]


def published(shared: Path, kind: str) -> tuple[Path, dict[str, list[tuple[str, int]]]]:
    """Where a collection's photos are, and by split their paths and labels in its own order."""
    folder = shared / "data" / KINDS[kind]
    if kind == "ttd":
        return folder / "Agg_AMT_Candidates", {"test": listed(folder / "twitter_three_agrees.txt")}
    if kind == "t4sa":
        names = {"train": "train", "validation": "val", "test": "test"}
        return folder, {
            split: listed(folder / f"b-t4sa_{name}.txt") for split, name in names.items()
        }
    names = {"train": "train", "validation": "valid", "test": "test"}
    return folder, {
        split: [
            (str(file.relative_to(folder)), label)
            for label, breed in enumerate(CLASS_NAMES["dogs"])
            for file in sorted((folder / name / breed).iterdir())
        ]
        for split, name in names.items()
    }


def stored(split: Split) -> list[tuple[str, int]]:
    """Path and label of each stored image."""
    return list(zip(split.paths.tolist(), split.labels.tolist(), strict=True))


def photo(file: Path, number: int = 0) -> None:
    """Write the smallest JPEG that will do, no near duplicate of one with another number."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")


def t4sa(folder: Path, train: list[str]) -> Path:
    """A collection in B-T4SA's form with the given lines in its training list."""
    others = [f"data/{number}.jpg {number % 3}" for number in range(6)]
    for number in range(6):
        photo(folder / f"data/{number}.jpg", number)
    for name, lines in {"train": train, "val": others, "test": others}.items():
        (folder / f"b-t4sa_{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


def breeds(folder: Path, **counts: int) -> Path:
    """Class folders of two breeds: a split's photos of the first one, and half as many."""
    for split, count in counts.items():
        for number in range(count):
            photo(folder / split / "akita" / f"{number:02}.jpg", number)
        for number in range(count // 2):
            photo(folder / split / "boxer" / f"{number:02}.jpg", 100 + number)
    return folder


def kaggle(folder: Path, more: bytes = b"") -> Path:
    """Kaggle's form of 20 photos of one breed and 10 of another, with more rows."""
    rows = [b"id,breed\n"]
    for number in range(30):
        path = f"train/{number}.jpg"
        photo(folder / path, number)
        rows.append(f"{number},{breed(path)}\n".encode())
    (folder / "labels.csv").write_bytes(b"".join(rows) + more)
    return folder


def breed(path: str) -> str:
    """What the photos of `breeds` and `kaggle` show."""
    _, *folder, name = path.split("/")
    return folder[0] if folder else "boxer" if int(name.removesuffix(".jpg")) % 3 == 0 else "akita"
