"""SHA256SUMS of a folder: as sha256sum(1) has it, and refused where its form is wrong."""

from pathlib import Path

import pytest
from helpers.scripts import start

from sentiment.base import sha256sums
from sentiment.base.errors import UserError

DIGEST = "0" * 64


def listed(folder: Path) -> dict[str, str]:
    return sha256sums.read(folder, "make it again").listed


def test_sha256sum_checks_what_was_written_and_it_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "train" / "data").mkdir(parents=True)
    for name in ("train/data/0", "train/1", "top", ".hidden"):
        (tmp_path / name).write_text(name)
    sums = sha256sums.of_others(tmp_path, {"train/1": DIGEST})
    assert sorted(sums) == ["top", "train/data/0"]
    sha256sums.write(tmp_path, sums)
    assert listed(tmp_path) == sums
    check = start("sha256sum", "--check", "--quiet", "--strict", sha256sums.FILE, cwd=tmp_path)
    assert (check.returncode, check.stdout) == (0, "")


@pytest.mark.parametrize("name", ["../small/train/__attrs__", "/etc/passwd", "a/../../b", "a\\b"])
def test_a_name_that_leads_outside_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / sha256sums.FILE).write_text(f"{DIGEST}  good\n{DIGEST}  {name}\n")
    with pytest.raises(
        UserError, match=r"SHA256SUMS:2: damaged \(expected .* file of the folder.*; make it again"
    ):
        listed(tmp_path)


@pytest.mark.parametrize("line", ["", "good", f"{DIGEST} one_space", f"{DIGEST}  good", "7  short"])
def test_a_line_of_another_form_is_refused_by_its_number(line: str, tmp_path: Path) -> None:
    (tmp_path / sha256sums.FILE).write_text(f"{DIGEST}  good\n{line}\n{DIGEST}  last\n")
    with pytest.raises(UserError, match=r"SHA256SUMS:2: damaged"):
        listed(tmp_path)


def test_a_file_that_is_missing_or_not_as_listed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "changed").write_text("changed")
    sums = sha256sums.Sums(tmp_path, {"changed": DIGEST, "missing": DIGEST}, "make it again")
    for name, reason in {
        "changed": "not as SHA256SUMS lists it",
        "missing": "No such file",
    }.items():
        with pytest.raises(UserError, match=rf"{name}: damaged \({reason}.*\); make it again"):
            sums.checked(name)
