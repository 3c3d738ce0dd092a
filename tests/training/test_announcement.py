"""What a run says before it starts: on the screen what differs, in its log everything."""

import dataclasses
import logging
import re
from pathlib import Path
from typing import NoReturn

import pytest
from helpers import small_checkout

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.model.recipe import Recipe, counting
from sentiment.runs.run_files import Run, TrainingData
from sentiment.training import train
from sentiment.training.announcement import WIDTH, announcement

STATED = Recipe(layers="all", weights="none")
CHANGED = dataclasses.replace(
    STATED, epochs=3, schedule="early-step", augmentation=("flip", "crop")
)


def own_lines(text: str) -> dict[str, str]:
    """Fields of the recipe that have a line of their own, with their values."""
    names = {name.replace("_", " ") for name in counting(CHANGED)}
    lines = dict(re.findall(r"^(?:.*\d\d )?  ([a-z ]+): (.*)$", text, re.MULTILINE))
    return {name: value for name, value in lines.items() if name in names}


def announced(recipe: Recipe, data_dir: Path, stated: Recipe | None) -> str:
    run = Run("tinynet", "all", TrainingData("drawn"), Folders(data_dir))
    dataset = Dataset(data_dir, "drawn")
    return announcement(small_checkout.architecture(), recipe, dataset, run, stated)


def test_what_differs_has_a_line_each_and_the_rest_one_paragraph(drawn_data: Path) -> None:
    text = announced(CHANGED, drawn_data, STATED)
    differing = "  epochs: 3\n  schedule: early-step\n  augmentation: flip crop\n"
    rest = text.index("  the rest of the recipe: layers all, batch size 64, ")
    assert text.index(differing) + len(differing) == rest
    paragraph = text[rest : text.index("\n  writes ")].splitlines()
    assert all(line.startswith("    ") and len(line) <= WIDTH for line in paragraph[1:])
    told = " ".join(line.strip() for line in paragraph)
    assert told.count(",") + 1 + 3 == len(counting(CHANGED))
    assert ", epochs" not in told and "schedule" not in told
    assert len(text.splitlines()) <= 24


def test_a_recipe_that_nobody_changed_is_no_rest(drawn_data: Path) -> None:
    text = announced(STATED, drawn_data, STATED)
    assert "  the recipe: layers all, epochs 15, " in text
    assert not own_lines(text)


def test_without_a_stated_recipe_every_field_has_a_line(drawn_data: Path) -> None:
    lines = own_lines(announced(CHANGED, drawn_data, None))
    assert len(lines) == len(counting(CHANGED))
    assert lines["augmentation"] == "flip crop"


@pytest.mark.parametrize("verbose", [False, True])
def test_the_log_has_every_field_whatever_the_screen_shows(
    verbose: bool,
    drawn_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> NoReturn:
        logging.getLogger("sentiment").info("Starting Keras ...")
        raise UserError("no backend")

    monkeypatch.setattr(train.backend, "start", fail)
    caplog.set_level(logging.INFO, "sentiment")
    folders = Folders(drawn_data, tmp_path / "logs", tmp_path / "models")
    options = train.Options(CHANGED, TrainingData("drawn"), verbose=verbose, folders=folders)
    with pytest.raises(UserError, match="no backend"):
        train.train(small_checkout.architecture(), STATED, options)
    logged = (tmp_path / "logs/drawn/all_layers_tinynet.log").read_text()
    assert len(own_lines(logged)) == len(counting(CHANGED))
    assert "the rest of the recipe" not in logged
    assert logged.endswith("Starting Keras ...\n")
    assert len(own_lines(caplog.text)) == (len(counting(CHANGED)) if verbose else 3)
    assert caplog.text.count("  writes ") == 1
