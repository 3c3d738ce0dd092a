"""The figures of a collection as lines for the screen."""

from collections.abc import Iterator

from sentiment.base import lettering
from sentiment.exploration.photo_summary import TITLES

PLACEHOLDERS_SHOWN = 3
"""Placeholders that are named on the screen; the summary names more."""

WIDEST_TABLE = 12
"""Classes up to which their counts are printed: more do not fit on a screen."""

REPORTED = {
    "t4sa": {
        "photos": "470,586", "width": "945 ± 505", "height": "916 ± 556", "kilobytes": "142 ± 156",
        "greyscale": "757", "small": "72", "large": "about 934",
    },
}  # fmt: skip
"""Figures that the replication report of 2018 found, by collection, to be printed beside."""


def lines(figures: dict, kind: str) -> Iterator[str]:
    """Put a collection's figures into words, in aligned lines.

    Args:
        figures: as `photo_summary.summarise` computes them.
        kind: the collection's kind.
    """
    reported = REPORTED.get(kind, {})
    brackets = {name: f" [{text}]" for name, text in reported.items()}
    if reported:
        yield "  [In brackets what the replication report found in the whole of B-T4SA]"
    yield from _counts(figures["counts"], brackets.get("photos", ""))
    yield from _moments(figures, brackets)
    yield (
        f"  under 1 KB: {figures['under_1_kb']:,}{brackets.get('small', '')}, over 1,024 KB: "
        f"{figures['over_1024_kb']:,}{brackets.get('large', '')}; a KB is 1,024 bytes"
    )
    for what in ("formats", "modes"):
        tally = ", ".join(f"{name} {count:,}" for name, count in figures[what].items())
        yield f"  {what}: {tally}"
    yield (
        f"  greyscale by their mode: {figures['greyscale_by_mode']:,}"
        f"{brackets.get('greyscale', '')}; of the others, with equal channels: "
        f"{figures['colour_mode_but_equal_channels']:,}"
    )
    yield from _duplicates(figures)
    yield from _placeholders(figures["placeholders"])
    yield f"  cannot be decoded: {figures['bad']:,}"


def _counts(by_split: dict[str, dict[str, int]], reported: str) -> Iterator[str]:
    """Photos of each class and split; of many classes, the fewest and the most."""
    rows = {
        name: [classes[name] for classes in by_split.values()]
        for name in next(iter(by_split.values()))
    }
    totals = [sum(classes.values()) for classes in by_split.values()]
    if len(rows) > WIDEST_TABLE:
        columns = list(zip(*rows.values(), strict=True))
        rows = {
            f"fewest in a class of {len(rows)}": list(map(min, columns)),
            "most in a class": list(map(max, columns)),
        }
    width = max(map(lettering.width, [*rows, "photos"]))
    yield f"  {'photos':{width}}{''.join(f'{split:>12}' for split in by_split)}{'all':>12}"
    for name, counts in rows.items():
        cells = "".join(f"{count:>12,}" for count in counts)
        yield f"  {lettering.left(name, width)}{cells}{sum(counts):>12,}"
    cells = "".join(f"{count:>12,}" for count in totals)
    yield f"  {'all':{width}}{cells}{sum(totals):>12,}{reported}"


def _moments(figures: dict, brackets: dict[str, str]) -> Iterator[str]:
    """Sizes of the photos: a row for each measure of which there are values."""
    yield f"  {'':11}{'mean ± sd':>14}{'median':>8}{'least':>8}{'most':>8}{'skewness':>10}"
    for name, title in TITLES.items():
        moments = figures[name]
        if moments["n"]:
            spread = f"{moments['mean']:,.0f} ± {moments['sd']:,.0f}"
            cells = "".join(f"{moments[key]:>8,.0f}" for key in ("median", "min", "max"))
            skewness = f"{moments['skewness']:>10.1f}{brackets.get(name, '')}"
            yield f"  {title:11}{spread:>14}{cells}{skewness}"


def _duplicates(figures: dict) -> Iterator[str]:
    """Photos with exact and with near twins, and the splits that their near twins are in."""
    exact, near = figures["exact_duplicates"], figures["near_duplicates"]
    rows = {"equal files": exact, f"hashes within {near['max_distance']} of 64 bits": near}
    yield f"  {'duplicates':28}{'photos':>12}{'groups':>12}{'twin of another class':>24}"
    for title, twins in rows.items():
        cells = f"{twins['photos']:>12,}{twins['groups']:>12,}{twins['contradicted']:>24,}"
        yield f"  {title:28}{cells}"
    splits = list(figures["counts"])
    yield f"  {'with such a twin in':28}{''.join(f'{split:>12}' for split in splits)}"
    for split, counts in near["photos_with_twin_in"].items():
        total = sum(figures["counts"][split].values())
        cells = "".join(f"{counts[twin_split]:>12,}" for twin_split in splits)
        yield f"  {f'of {total:,} {split}':28}{cells}"


def _placeholders(found: dict) -> Iterator[str]:
    """What may be no photos of the collection's but a photo site's "photo unavailable"."""
    yield (
        f"  placeholders ({found['least_files']} or more files of the same bytes): "
        f"{found['pictures']:,}, in {found['files']:,} files"
    )
    for picture in found["most_frequent"][:PLACEHOLDERS_SHOWN]:
        yield (
            f"    {picture['files']:,} files in {picture['classes']} of the classes, such as "
            f"{picture['first']}"
        )
