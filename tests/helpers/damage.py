"""Ways to damage a file, and the advice that messages about damaged data must give."""

from pathlib import Path

REMEDY = r"python scripts/verify_data\.py \S+ --repair"


def lose(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def garble(file: Path) -> None:
    file.write_bytes(b"x" * len(file.read_bytes()))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1_000_000])
