"""Sweeps of a recipe's settings: stopped and given again, compared, and what they answer."""

import csv
import dataclasses
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import event_files, report_files, small_checkout
from helpers.scripts import refusal, succeed

from sentiment.base.errors import UserError
from sentiment.experiments.sweep import presentation, space, sweep_picture
from sentiment.experiments.sweep.questions import answers
from sentiment.experiments.sweep.trial import Diverged, Finished
from sentiment.model.recipe import Recipe
from sentiment.runs.accuracy import Commonest

BASE = Recipe(layers="fc", weights="none")


def read(grid: tuple = (), search: tuple = (), file: Path | None = None) -> space.Space:
    return space.read(BASE, grid, search, file, trials=6, seed=1)


def test_a_grid_holds_every_combination_once() -> None:
    recipes = read(("learning-rate=1,1.0,1e-2", "feature-cache=true,false")).grid()
    assert [(r.learning_rate, r.feature_cache) for r in recipes] == [
        (1.0, True), (1.0, False), (0.01, True), (0.01, False)
    ]  # fmt: skip
    assert len(read().grid()) == 24  # what the report tried


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"grid": ("learning-rat=1",)}, "learning-rat=1: expected a setting of the recipe"),
        ({"grid": ("optimizer=sgd,lbfgs",)}, "lbfgs"),
        ({"grid": ("momentum=2",)}, "--momentum 2.0: expected 0 or more, under 1"),
        ({"grid": ("momentum=",)}, "momentum=: a value is missing"),
        ({"grid": ("momentum=0..0.9",)}, "a grid takes values, such as momentum=0,0.9"),
        ({"grid": ("momentum=0",), "search": ("momentum=0..0.9",)}, "expected one of them"),
        ({"search": ("learning-rate=1..1e-4",)}, "expected a number, and one over it"),
        ({"grid": ("deterministic=on,off",)}, "expected a setting of the recipe"),
    ],
)
def test_what_cannot_be_tried_is_said_before_anything_runs(words: dict, expected: str) -> None:
    with pytest.raises(UserError) as refused:
        read(**words)
    assert expected in str(refused.value)


def test_a_file_describes_the_same(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('[grid]\nlearning-rate = [1, 1e-2]\noptimizer = ["sgd", "adam"]\n')
    assert read(file=file) == read(("learning-rate=1,0.01", "optimizer=sgd,adam"))
    file.write_text('trials = 3\n[search]\nlearning-rate = "1e-4..1"\n')
    assert read(file=file).trials == 3
    file.write_text("[gird]\n")
    with pytest.raises(UserError, match="gird is none of grid, search"):
        read(file=file)


def test_optuna_draws_the_same_from_what_was_reached() -> None:
    """So a sweep that was killed finds its trials; the ranges are kept to."""
    wanted = read(search=("learning-rate=1e-4..1", "batch-size=32..128", "optimizer=sgd,adam"))

    def drawn(worst: float) -> list[Recipe]:
        recipes: list[Recipe] = []

        def reached(recipe: Recipe) -> float:
            recipes.append(recipe)
            return worst - abs(math.log10(recipe.learning_rate) + 2)

        dataclasses.replace(wanted, trials=20).walk(reached)
        return recipes

    recipes = drawn(0.0)
    assert recipes == drawn(0.0)
    rates = np.log10([r.learning_rate for r in recipes])
    assert -4 <= rates.min() < -3 and -1 < rates.max() <= 0  # log-uniformly
    assert {r.optimizer for r in recipes} == {"sgd", "adam"}
    assert all(isinstance(r.batch_size, int) and 32 <= r.batch_size <= 128 for r in recipes)

    tried: list[Recipe] = []  # momentum is of SGD alone
    both = read(search=("momentum=0.1..0.8", "optimizer=sgd,adam"))
    both.walk(lambda recipe: tried.append(recipe) or 0.5)
    assert 0 < len(tried) < 6 and {r.optimizer for r in tried} == {"sgd"}


def trial(folder: Path, number: int, right: int, last_loss: float = 0.5, **settings) -> Finished:
    """A trial that gets the first `right` of 400 test images, and as large a share elsewhere."""
    run = report_files.run(folder / str(number), "tinynet", "fc")
    y_true = np.arange(400) % 3
    said = np.where(np.arange(400) < right, y_true, (y_true + 1) % 3)
    report_files.write_result(run.result("t4sa"), y_true, report_files.probabilities(said))
    record = {
        "status": "finished", "best_epoch": 2, "last_epoch": 3, "best_val_loss": 1.0,
        "last_loss": last_loss, "training": [900, 600], "last training": [900, 2 * right],
        "validation": [400, right], "test": [400, right], "seconds": 1.0,
    }  # fmt: skip
    return Finished(number, dataclasses.replace(BASE, **settings), run, record)


def test_questions_are_answered_from_the_trials(tmp_path: Path) -> None:
    trials = [
        trial(tmp_path, 1, 200),
        trial(tmp_path, 2, 210, optimizer="adam"),
        trial(tmp_path, 3, 320, optimizer="adam", learning_rate=0.01),
        trial(tmp_path, 4, 205, batch_size=128),
        trial(tmp_path, 5, 100, last_loss=7.0, learning_rate=0.01),
    ]
    lost = trial(tmp_path, 6, 0, learning_rate=0.1)
    record = {"status": "diverged", "last_epoch": 2, "seconds": 1.0}
    trials.append(Diverged(lost.number, lost.recipe, lost.run, record))
    fields = ["optimizer", "learning_rate", "batch_size"]
    found = {a.question: " ".join(a.sentences) for a in answers(trials, BASE, fields, 3)}
    assert list(found) == [
        "Which learning rates diverge?",
        "Does adam fit training better than sgd, and test worse?",
        "Is batch size 128 better than 64?",
    ]
    diverged, optimizer, batch = found.values()
    assert "sgd: 0.1: 1 of 1 no longer a number (epoch 2); " in diverged
    assert "0.01: 1 of 1 worse than nothing (loss 7.00); 0.001: 2 of 2 learned" in diverged
    assert "adam: 0.01: 1 of 1 learned" in diverged
    assert "trial 3 (adam) with trial 4 (sgd)" in optimizer  # the best of each by validation
    assert "Fits better: the intervals are apart." in optimizer
    assert "0.8000 against 0.5125; adam alone right 115, sgd alone 0. Better, and" in optimizer
    assert "trial 4 (128) with trial 3 (64)" in batch
    assert "Worse, and really so" in batch
    same = answers(trials[:2], BASE, fields, 3)[0].sentences
    assert "No difference can be told (exact McNemar p = 0.002" not in same[2]
    (alone,) = answers([trials[0], trials[3]], BASE, fields, 3)
    assert alone.sentences[2].endswith("No difference can be told (exact McNemar p = 0.062, "
                                        "after Holm 0.062).")  # fmt: skip


def test_trials_are_ranked_and_compared_by_balanced_accuracy(tmp_path: Path) -> None:
    """Of 400 test images 133 and 134 are of a class, so balanced accuracy is nearly accuracy."""
    few, many = (trial(tmp_path, number, 200 + 50 * number) for number in (1, 2))
    by_class = [
        dataclasses.replace(
            found,
            recipe=dataclasses.replace(BASE, class_weights=choice),
            record=found.record | {"validation balanced": value},
            objective="balanced-accuracy",
        )
        for found, value, choice in ((few, 0.7, "balanced"), (many, 0.5, "none"))
    ]
    assert presentation.best_first([few, many]) == [many, few]
    assert presentation.best_first(by_class[::-1]) == by_class
    assert "validation 0.6250, balanced 0.7000" in by_class[0].outcome
    unseen = dict.fromkeys(("validation", "test"), Commonest("negative", 0.5))
    full = presentation.full_table(by_class, ["class_weights"], "sweep", "A sweep", unseen)
    assert full.frame["validation balanced"].tolist() == [0.7, 0.5]
    assert full.notes[-1].startswith("Sorted by balanced accuracy in validation alone")
    (answer,) = answers(by_class, BASE, ["class_weights"], 3)
    assert answer.question == "Is class weights balanced better than none?"
    assert answer.sentences[-1] == (
        "Test, balanced accuracy: 0.6250 against 0.7500, -0.1250 (95 % interval -0.1562 to "
        "-0.0901). Worse: the interval leaves 0 out."
    )


def test_tables_and_picture_say_what_the_commonest_class_reaches(tmp_path: Path) -> None:
    """The records are as those of earlier versions; the test split's 400 images are uneven."""
    trials = [trial(tmp_path, 1, 300), trial(tmp_path, 2, 135, learning_rate=0.1)]
    record = {"status": "diverged", "last_epoch": 2, "seconds": 1.0}
    trials.append(Diverged(3, dataclasses.replace(BASE, learning_rate=1.0), trials[0].run, record))
    fields = ["learning_rate"]
    unseen = {"validation": Commonest("neutral", 0.8), "test": Commonest("negative", 134 / 400)}
    full = presentation.full_table(trials, fields, "sweep", "A sweep", unseen)
    assert full.notes == [
        "Validation: not better than always saying neutral: 0.8000 (trial 1, trial 2).",
        "Test: not better than always saying negative: 0.3350 (trial 2).",
        presentation.selection("accuracy"),
    ]
    assert full.frame["validation commonest"].tolist() == [0.8] * 3
    assert full.frame["test commonest"].tolist() == [0.335] * 3
    shown = presentation.readable_table(trials, fields, full)
    column = list(shown.frame).index(presentation.BALANCED["test"])
    assert [row[column] for row in shown.cells()] == ["0.7500", "0.3375", "-"]
    picture = sweep_picture.draw(trials, fields, "sweep", "A sweep", unseen["test"])
    assert picture.alternative.endswith("; test split, always saying negative: 0.3350")
    assert ">always saying negative<" in picture.svg()


def without_times(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as lines:
        return [
            {k: v for k, v in row.items() if "second" not in k} for row in csv.DictReader(lines)
        ]


@pytest.mark.slow
def test_a_killed_sweep_goes_on_to_the_same_table(drawn_data: Path, tmp_path: Path) -> None:
    """Also: a trial is what the training script does, and one that diverges is kept."""
    network = small_checkout.make(tmp_path / "checkout")
    script = tmp_path / "checkout/scripts/sweep.py"
    where = ["--dataset", "drawn", "--percent", "30", "--data-dir", drawn_data]
    grid = ["--grid", "learning-rate=1e30,1e-2", "optimizer=sgd,adam"]
    common = ["--epochs", "2", "--seed", "2"]
    words = ["--network", small_checkout.NAME, *where, *grid]

    def table(logs: Path) -> Path:
        return logs / "drawn" / "sweep_test_fc_layers_tinynet" / "sweep.csv"

    command = [sys.executable, script, *words, "--logs-dir", tmp_path / "logs", "--", *common]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        for line in process.stdout:
            if line.startswith("  2/4"):
                process.send_signal(signal.SIGKILL)
                break
    assert not table(tmp_path / "logs").exists()
    said = succeed(script, *words, "--logs-dir", tmp_path / "logs", "--", *common)
    assert said.count("(found)") in (2, 3)
    assert "  validation, always saying negative: 0.3333\n" in said  # before any trial's accuracy
    assert "learning rate 1e+30, optimizer sgd: diverged in epoch 1" in said
    assert "Does adam fit training better than sgd, and test worse?" in said
    for split in ("Validation", "Test"):
        assert re.search(rf"^{split}: .*always saying \w+: 0\.\d{{4}}", said, re.MULTILINE)
    before = {f.name: f.read_bytes() for f in table(tmp_path / "logs").parent.glob("sweep.*")}
    assert set(before) == {f"sweep.{ending}" for ending in ("csv", "md", "json", "png", "svg")}
    again = succeed(script, *words, "--logs-dir", tmp_path / "logs", "--", *common)
    assert again.count("(found)") == 4
    assert {
        name: (table(tmp_path / "logs").parent / name).read_bytes() for name in before
    } == before

    undisturbed = ["--logs-dir", tmp_path / "undisturbed", "--tensorboard"]
    said = succeed(script, *words, *undisturbed, "--max-minutes", 1e-5, "--", *common)
    assert "Stopped by --max-minutes 1e-05: 0 of 4 trials are done, 4 left" in said
    succeed(script, *words, *undisturbed, "--", *common)
    records = list(tmp_path.glob("undisturbed/drawn/*/trials/*/drawn/*_tensorboard"))
    assert len(records) == 4
    for record in records:
        assert "_hparams_/session_start_info" in event_files.read(record).Tags()["tensors"]
    rows = without_times(table(tmp_path / "logs"))
    assert rows == without_times(table(tmp_path / "undisturbed"))
    assert [row["state"] for row in rows].count("diverged") == 2
    assert json.loads(before["sweep.json"])["best_by_validation"] == int(rows[0]["trial"])

    own = ["--logs-dir", tmp_path / "own", "--models-dir", tmp_path / "own"]
    recipe = ["--optimizer", rows[0]["optimizer"], "--learning-rate", rows[0]["learning rate"]]
    succeed(network / "fc_layer_train_tinynet.py", *where, *own, *common, *recipe)
    folder = table(tmp_path / "logs").parent / "trials" / rows[0]["folder"] / "drawn"
    history = "test_fc_layers_tinynet_history.csv"
    assert without_times(folder / history) == without_times(tmp_path / "own" / "drawn" / history)


def test_a_network_that_is_not_there_is_named(drawn_data: Path) -> None:
    where = ["--dataset", "drawn", "--data-dir", drawn_data, "--dry-run"]
    assert "--network lenet: expected one of" in refusal(
        "scripts/sweep.py", *where, "--network", "lenet"
    )
    said = succeed("scripts/sweep.py", *where, "--search", "learning-rate=1e-4..1", "--trials", 5)
    assert "5 trials, drawn by Optuna" in said
