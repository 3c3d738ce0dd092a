"""Photos predicted by an exported model: the answers, going on after a kill, page and folders."""

import csv
import io
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers import warm
from helpers.scripts import ROOT, lacking, refusal, succeed
from helpers.serving import PREDICT, Server
from PIL import Image
from playwright.sync_api import sync_playwright

from sentiment.base.errors import UserError
from sentiment.inference import answer_gallery, photo_paths

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model

SCRIPT = "scripts/predict_photos.py"


@pytest.fixture
def folder(photos: list[Path], tmp_path: Path) -> Path:
    """Good photos, odd ones and bad ones, some in a folder inside."""
    folder = tmp_path / "photos"
    (folder / "inside").mkdir(parents=True)
    for number, photo in enumerate(photos[:4]):
        shutil.copy(photo, folder / f"{number}.jpg")
    shutil.copy(photos[4], folder / "inside" / "0.jpg")  # its name is taken already
    with Image.open(photos[5]) as image:
        image.convert("RGBA").save(folder / "a photo, with ümlaut.png")
        image.convert("L").save(folder / "no ending", format="GIF")
        turned = Image.Exif()
        turned[0x0112] = 6
        image.save(folder / "turned.jpg", exif=turned)
    (folder / "cut.jpg").write_bytes(photos[0].read_bytes()[:3000])
    (folder / "empty.png").touch()
    (folder / "letter.jpg").write_text("no photo")
    (folder / "note.txt").write_text("passed over")
    return folder


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_answers_are_the_services(
    model: Path, folder: Path, serve: Callable[..., Server], without_tensorflow: dict[str, str]
) -> None:
    output = folder.parent / "answers.csv"
    words = [folder, "--recursive", "--model", model, "--output", output]
    said = succeed(SCRIPT, *words, **without_tensorflow)
    assert f"Passed over 1 files that are no photos: {folder / 'note.txt'}" in said
    assert "3 could not be read" in said
    answers = rows(output)
    assert [Path(row["path"]).name for row in answers] == [
        "0.jpg", "1.jpg", "2.jpg", "3.jpg", "a photo, with ümlaut.png", "cut.jpg", "empty.png",
        "letter.jpg", "no ending", "turned.jpg", "0.jpg",
    ]  # fmt: skip
    server = serve()
    for row in answers:
        response = server.post(PREDICT, Path(row["path"]).read_bytes()).json()
        if row["problem"]:
            assert response["photos"][0]["detail"] == row["problem"]
            assert not row["label"]
        else:
            (photo,) = response["photos"]
            assert row["label"] == photo["label"]
            assert {name: float(row[name]) for name in photo["probabilities"]} == (
                photo["probabilities"]
            )
            assert float(row["seconds"]) > 0


def test_after_a_kill_the_table_is_as_if_nothing_had_happened(
    model: Path, photos: list[Path], tmp_path: Path
) -> None:
    folder, other = tmp_path / "many", tmp_path / "undisturbed.csv"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:03}.jpg").symlink_to(photos[number % len(photos)])
    words = [SCRIPT, folder, "--model", model, "--output"]
    output = tmp_path / "answers.csv"
    process = warm.Process([ROOT / SCRIPT, *words[1:], output], os.environ)
    while not output.exists() or output.read_bytes().count(b"\n") < 10:
        assert process.returncode is None
        time.sleep(0.005)
    process.kill()
    process.wait(60)
    noted = rows(output)
    assert len(noted) < 60
    with output.open("ab") as torn:
        torn.write(b'"a row that was be')
    assert "goes on: " in succeed(*words, output)
    succeed(*words, other)

    def without_seconds(file: Path) -> list[dict[str, str]]:
        return [{**row, "seconds": ""} for row in rows(file)]

    assert without_seconds(output) == without_seconds(other)
    assert rows(output)[: len(noted)] == noted
    content = output.read_bytes()
    succeed(*words, output)
    assert output.read_bytes() == content


def test_photos_go_into_folders_by_label_when_told_so(model: Path, folder: Path) -> None:
    copies, moved = folder.parent / "copies", folder.parent / "moved"
    words = [folder, "--recursive", "--model", model, "--output", folder.parent / "answers.csv"]
    before = sorted(folder.rglob("*"))
    said = succeed(SCRIPT, *words, "--copy-into", copies)
    assert "Would copy 8 photos:" in said
    assert not copies.exists()
    assert "Copied 8 photos:" in succeed(SCRIPT, *words, "--copy-into", copies, "--yes")
    assert "8 photos are in" in succeed(SCRIPT, *words, "--copy-into", copies, "--yes")
    assert len([path for path in copies.rglob("*") if path.is_file()]) == 8
    assert sorted(folder.rglob("*")) == before
    answers = [row for row in rows(folder.parent / "answers.csv") if row["label"]]
    for row in answers:
        assert any(
            copy.read_bytes() == Path(row["path"]).read_bytes()
            for copy in (copies / row["label"]).iterdir()
        )

    said = succeed(SCRIPT, *words, "--move-into", moved, "--top", 1, "--yes")
    labels = {row["label"] for row in answers}
    assert f"Moved {len(labels)} photos:" in said
    for label in labels:
        of_label = [row for row in answers if row["label"] == label]
        surest = max(of_label, key=lambda row: float(row[label]))
        (there,) = (moved / label).iterdir()
        assert there.name == Path(surest["path"]).name
        assert not Path(surest["path"]).exists()


def test_a_name_that_is_taken_is_not_written_over(model: Path, photos: list[Path], tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shutil.copy(photos[0], tmp_path / name / "photo.jpg")
    words = [tmp_path / "one", tmp_path / "two", "--model", model, "--yes"]
    succeed(SCRIPT, *words, "--move-into", tmp_path / "sorted")
    assert sorted(path.name for path in (tmp_path / "sorted").rglob("*.jpg")) == [
        "photo.jpg", "photo_2.jpg"
    ]  # fmt: skip
    assert not list(tmp_path.glob("[ot][nw][eo]/*"))


def test_the_gallery_works_from_disk(model: Path, folder: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        lacking("no chromium on the PATH")
    page_file, answers = folder.parent / "page.html", folder.parent / "answers.csv"
    succeed(SCRIPT, folder, "--model", model, "--output", answers, "--gallery", page_file)
    good = [row for row in rows(answers) if row["label"]]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width, scheme in ((360, "light"), (1280, "dark")):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            said: list[str] = []
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on("request", lambda request, said=said: said.append(request.url[:40]))
            page.goto(page_file.as_uri())
            assert {url for url in said if not url.startswith("data:")} == {page_file.as_uri()[:40]}
            assert page.evaluate("document.documentElement.scrollWidth") == width
            photos = page.locator(".photos li:visible")
            assert photos.count() == len(good)
            assert page.evaluate("[...document.images].every(image => image.naturalWidth > 50)")
            assert page.locator(".problems li").count() == 3
            page.fill("input[name=path]", "turned")
            assert photos.count() == 1
            assert page.inner_text("#count") == "1 shown"
        assert not Axe().run(page).response["violations"]
        browser.close()


def test_what_is_named_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert photo_paths.named(["[12].jpg", "1.jpg"], False).photos == ["1.jpg", "2.jpg"]
    assert photo_paths.named(["**/0.jpg"], False).photos == ["0.jpg", "inside/0.jpg"]
    assert len(photo_paths.named(["."], False).photos) == 10
    assert len(photo_paths.named([str(folder)], True).photos) == 11
    for listed in (b"gone.jpg\r\n1.jpg\n\n", b"gone.jpg\x001.jpg\x00"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed)))
        assert photo_paths.named(["-"], False).photos == ["gone.jpg", "1.jpg"]
    (folder / "outer" / "inner").mkdir(parents=True)
    shutil.copy("1.jpg", "outer/inner")
    for words, expected in {("*.tiff",): "no such file", ("outer",): "--recursive"}.items():
        with pytest.raises(UserError, match=expected):
            photo_paths.named(words, False)


def test_a_page_of_many_photos_shows_some_of_each_label() -> None:
    most = answer_gallery.MOST
    assert answer_gallery.shares({"a": 10, "b": most}) == most - 10
    assert answer_gallery.shares({"a": most, "b": most, "c": 90_000}) == most // 3
    assert answer_gallery.shares({"a": 10, "b": 20}) >= 20


def test_a_mistake_gets_one_line(model: Path, photos: list[Path], tmp_path: Path) -> None:
    bad, old = tmp_path / "bad.jpg", tmp_path / "old.csv"
    bad.write_text("no photo")
    succeed(SCRIPT, photos[0], "--model", model, "--output", old)
    (tmp_path / ".old.csv.journal").unlink()
    for words, expected in {
        (): "no photo is named",
        (tmp_path / "none.jpg",): "none.jpg: no such file or folder",
        (bad,): "not one photo could be read; the first is",
        (photos[0], "--output", old): "old.csv: is there, and nothing says which model wrote it",
        (bad, "--top", 3): "--top and --min-probability choose what --gallery",
        (bad, "--gallery", tmp_path / "page.html", "--top", 0): "--top 0: expected 1 or more",
        (bad, "--yes"): "--yes is of --copy-into and --move-into alone",
    }.items():
        assert expected in refusal(SCRIPT, *words, "--model", model)
    assert "no exported model, a .tflite file" in refusal(SCRIPT, photos[0], "--model", bad)
