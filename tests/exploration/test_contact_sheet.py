"""Contact sheets of classes with names in any letters."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentiment.exploration import contact_sheet


def test_file_names_are_of_latin_letters_and_all_different() -> None:
    names = ["Ärger", "秋田犬", "a/b | c", "…", "。", "x" * 300]
    files = [contact_sheet.file_name(label, name) for label, name in enumerate(names)]
    assert files[:3] == ["0_Arger.png", "1_QiuTianQuan.png", "2_a_b_c.png"]
    assert len(set(files)) == len(names)
    assert all(file.isascii() and len(file) < 80 and "/" not in file for file in files)


@pytest.mark.filterwarnings("error")  # such as a letter that is missing from the fonts
@pytest.mark.usefixtures("only_default_font")
def test_a_heading_is_in_letters_that_can_be_drawn(tmp_path: Path) -> None:
    Image.new("RGB", (90, 60), "teal").save(tmp_path / "photo.png")
    headings = []
    for name in ("QiuTianQuan", "秋田犬", "$5 and 6$ " * 30):
        contact_sheet.draw([tmp_path / "photo.png"], f"of 1 photos: {name}", tmp_path / "sheet.png")
        with Image.open(tmp_path / "sheet.png") as sheet:
            headings.append(np.asarray(sheet.convert("L"))[: contact_sheet.HEADING])
    latin, kanji, long = headings
    np.testing.assert_array_equal(latin, kanji)
    assert long.min(axis=0)[-contact_sheet.GAP :].min() > 250  # ends before the sheet does
