"""The history CSV of a run: what is written is read, and damage is named."""

from pathlib import Path

import pytest

from sentiment.base.errors import UserError
from sentiment.runs import history_file

ROWS = [
    {name: float(number + epoch) for number, name in enumerate(history_file.COLUMNS)}
    | {"epoch": epoch}
    for epoch in (1, 2, 3)
]


def test_a_history_that_was_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "history.csv"
    history_file.write(file, ROWS)
    assert file.read_text().splitlines()[0].split(",") == list(history_file.COLUMNS)
    for history in (history_file.read(file), history_file.epochs(file)):
        assert history is not None
        assert history.to_dict("records") == ROWS


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (b"\x00\xff,\n", "damaged ("),
        (b"epoch,loss,accuracy\n1,0.5,0.6\n", "damaged (no column val_loss)"),
        (b"", "damaged ("),
    ],
)
def test_damaged_text_is_named(damage: bytes, named: str, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_bytes(damage)
    for read in (history_file.read, history_file.epochs):
        with pytest.raises(UserError) as refused:
            read(file)
        assert str(refused.value).startswith(f"{file}: {named}")


def test_without_rows_there_is_no_history(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    assert history_file.read(file) is None
    history_file.write(file, [])
    assert history_file.read(file) is None
    with pytest.raises(UserError, match="no epoch in it; train again"):
        history_file.epochs(file)


def test_a_row_that_holds_no_numbers_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    history_file.write(file, [*ROWS, ROWS[-1] | {"epoch": 4, "val_loss": "nan"}])
    assert list(history_file.epochs(file)["epoch"]) == [1, 2, 3]
