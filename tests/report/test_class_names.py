"""The report of classes with names of every length and in every script."""

import dataclasses
import itertools
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import report_files
from helpers.report_files import folders, write_run
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from sentiment.report import gallery, published_data
from sentiment.report.gallery import Row, ShownPhoto
from sentiment.report.report import Options, report
from sentiment.runs import collect, confusion_picture
from sentiment.runs.picture import Picture, style
from sentiment.runs.run_files import Run, RunsWanted, TrainingData

NAMES = [
    "Nova Scotia Duck Tolling Retriever", "photos taken in the evening rain by the river, a | pipe",
    "$5 and 6$", "<b>_bold_", "秋田犬", "시바견", "غضب شديد", "खुशी", "ความสุข", "😀 joy",
    "Vendéen", "x",
]  # fmt: skip
"""More than a matrix has room for."""


def write_predictions(run: Run, names: list[str], said: np.ndarray) -> None:
    """Write a run's files; four test images a class, of which `said` says the labels."""
    y_prob = np.full((len(said), len(names)), 0.2 / (len(names) - 1), np.float32)
    y_prob[np.arange(len(said)), said] = 0.8
    y_true = np.repeat(np.arange(len(names)), 4)
    write_run(run, np.arange(3), np.eye(3, dtype=np.float32))
    run.result("ttd").unlink()
    run.result("t4sa").unlink()
    names = np.array(names)
    report_files.write_result(
        run.result(run.dataset), y_true, y_prob, class_names=names, y_pred=said
    )


def outside(figure: Figure) -> list[str]:
    """Texts of a picture that stick out of it."""
    figure.draw_without_rendering()
    page = figure.bbox.padded(1)
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    boxes = {text.get_text(): text.get_window_extent() for text in texts if text.axes}
    return [
        text
        for text, box in boxes.items()
        if not (page.contains(box.x0, box.y0) and page.contains(box.x1, box.y1))
    ]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The report of a model that takes some classes for others."""
    said = np.repeat(np.arange(len(NAMES)), 4)
    said[[0, 1, 2]] = 4  # three Retrievers are said to be 秋田犬
    said[[16, 24]] = 1  # a 秋田犬 and a غضب شديد to be the long name
    run = Run("mobilenet", "fc", TrainingData("odd"), folders(tmp_path))
    write_predictions(run, NAMES, said)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as a letter that is missing from the fonts
        report(Options(RunsWanted("odd"), skip_explanations=True, folders=folders(tmp_path)))
    return tmp_path / "logs" / "odd" / "report" / "report.html"


@pytest.mark.usefixtures("only_default_font")
def test_mistakes_are_listed_by_class(page: Path) -> None:
    shown = report_files.tables(page)
    pairs = [tuple(row.values()) for row in shown["confused_classes"]]
    assert pairs == [
        (NAMES[0], "秋田犬", "3", "4", "0.7500"),
        ("秋田犬", NAMES[1], "1", "4", "0.2500"),
        ("غضب شديد", NAMES[1], "1", "4", "0.2500"),
    ]
    retriever, *_, last = shown["classes"]
    assert list(retriever.values()) == [
        NAMES[0], "4", "1.0000", "0.2500", "0.4000", "秋田犬", "3"
    ]  # fmt: skip
    assert list(last.values()) == ["x", "4", "1.0000", "1.0000", "1.0000", "-", "-"]
    matrix = pd.read_csv(page.parent / "confusion" / "fc_layers_mobilenet.csv", index_col=0)
    assert list(matrix.index) == list(matrix.columns) == NAMES
    assert matrix.loc[NAMES[0], "秋田犬"] == 3
    assert matrix.to_numpy().sum() == 48
    markdown = (page.parent / "tables" / "classes.md").read_text(encoding="utf-8")
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {8}
    assert "| &lt;b>_bold_ |" in markdown
    assert "paper" not in shown["table_2_test_accuracy"][0]
    assert "table_3_ttd_accuracy" not in shown
    svg = (page.parent / "pictures" / "confusion.svg").read_text(encoding="utf-8")
    assert all(name in svg for name in ("秋田犬", "غضب شديد", "$5 and 6$"))  # as a browser draws it


@pytest.mark.parametrize("classes", [2, 3, 8, 12])
@pytest.mark.usefixtures("only_default_font")
def test_every_text_of_the_confusion_matrices_fits(classes: int, tmp_path: Path) -> None:
    names = NAMES[:classes]
    for layers in ("fc", "all"):
        run = Run("mobilenet", layers, TrainingData("odd"), folders(tmp_path))
        write_predictions(run, names, np.roll(np.repeat(np.arange(classes), 4), 1))
    tested = collect.tested_models(collect.trained_models(RunsWanted("odd"), folders(tmp_path)))
    with style(names):
        picture = confusion_picture.draw([(model.name, said) for model, said in tested])
    (tmp_path / "drawn").mkdir()
    picture.save(tmp_path / "drawn")
    assert not outside(picture.figure)
    panel = picture.figure.axes[0]
    labels = [label.get_window_extent() for label in panel.get_yticklabels()]
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(labels))
    cells = [text.get_window_extent() for text in panel.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(cells) for b in cells[:i])
    assert picture.width <= 1056  # the page's


def test_a_picture_shows_a_name_in_its_letters_where_a_font_has_them(
    tmp_path: Path,
    install_dog: Callable[[], str],
) -> None:
    """The font's 犬 is a square; without the font it is called Quan."""
    widths = []
    for folder in ("without", "with"):
        if folder == "with":
            install_dog()
        figure = Figure(figsize=(3, 1))
        with style(["犬"]), warnings.catch_warnings():
            warnings.simplefilter("error")
            figure.text(0.1, 0.5, "犬")
            (tmp_path / folder).mkdir()
            Picture("dog", "", "", figure).save(tmp_path / folder)
        with Image.open(tmp_path / folder / "dog.png") as picture:
            ink = np.asarray(picture.convert("L")).min(axis=0) < 128
        widths.append(np.ptp(np.flatnonzero(ink)))
        assert ">犬<" in (tmp_path / folder / "dog.svg").read_text(encoding="utf-8")
    name, square = widths
    assert square == pytest.approx(0.9 * 10 / 72 * 150, abs=2)
    assert name > 1.5 * square


def test_captions_of_photos_keep_to_their_photo(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    photos = [ShownPhoto(image, f"said {name}, 0.52", name) for name in NAMES[:2] * 3]
    picture = gallery.sheet("gallery", [Row(f"{name}, right", photos) for name in NAMES[:2]])
    picture.figure.draw_without_rendering()
    titles = [panel.title.get_window_extent() for panel in picture.figure.axes]
    assert not any(a.overlaps(b) for i, a in enumerate(titles) for b in titles[:i])


def test_published_figures_stand_beside_the_classes_they_are_of_alone(tmp_path: Path) -> None:
    """Results that lie under the names t4sa and ttd, of other classes and of those published."""
    shown = {}
    for names in (("negative", "positive"), ("negative", "neutral", "positive"), NAMES[:8]):
        predictions = report_files.predicted(np.arange(2), np.eye(len(names))[:2])
        predictions = dataclasses.replace(predictions, class_names=tuple(names))
        data = (published_data.trained_on, "t4sa"), (published_data.ttd, "ttd")
        shown[len(names)] = [of(tmp_path, name, predictions).published for of, name in data]
    assert shown == {2: [True, True], 3: [True, False], 8: [False, False]}
