"""The ceiling of Table 2: measured, published, or unknown."""

from pathlib import Path

import pytest
from helpers.report_files import folders

from sentiment.base.errors import UserError
from sentiment.report import ceilings
from sentiment.report.published_data import Data
from sentiment.runs import ceiling_file
from sentiment.runs.accuracy import Accuracy
from sentiment.runs.ceiling_file import Ceiling


def test_picture_and_table_2_show_the_ceiling(complete: Path) -> None:
    words = "A perfect copy of the teacher would reach 0.7500 (95 % interval 0.6656 to 0.8189"
    assert words in (complete / "tables" / "table_2_test_accuracy.md").read_text()
    assert "a perfect copy of the teacher" in (complete / "pictures/test_accuracy.svg").read_text()
    assert "a perfect copy" not in (complete / "pictures" / "ttd_accuracy.svg").read_text()


def test_what_was_measured_comes_before_what_was_published(tmp_path: Path) -> None:
    where, b_t4sa = folders(tmp_path), Data("t4sa", published=True)
    published = ceilings.known(b_t4sa, where)
    assert published is not None and round(published.agreed.value, 3) == 0.777
    assert ceilings.known(Data("t4sa", True, "a part of it"), where) is None
    assert ceilings.known(Data("mine", published=False), where) is None

    whole, some, few = Accuracy(90, 90), Accuracy(90, 60), Accuracy(90, 50)
    measured = [
        Ceiling("the list's own", {"train": whole, "test": whole}),
        Ceiling("the better", {"train": some, "test": some}),
        Ceiling("the worse", {"train": whole, "test": few}),
        Ceiling("of other splits", {"train": some}),
    ]
    ceiling_file.write(ceiling_file.folder(where, "t4sa"), "abc", measured)
    known = ceilings.known(b_t4sa, where)
    assert known is not None and (known.reader, known.agreed) == ("the better", some)


@pytest.mark.parametrize("content", ["[]", "{}", '{"readers": {"a": {"test": [1, 2]}}}'])
def test_a_damaged_file_or_one_of_other_data_is_named(content: str, tmp_path: Path) -> None:
    place = ceiling_file.folder(folders(tmp_path), "t4sa")
    ceiling_file.write(place, "abc", [])
    with pytest.raises(UserError, match="of other data than are prepared now; measure again"):
        ceiling_file.read(folders(tmp_path), "t4sa", "another fingerprint")
    (place / "ceiling.json").write_text(content)
    with pytest.raises(UserError, match=r"ceiling.json: damaged"):
        ceiling_file.read(folders(tmp_path), "t4sa", None)
