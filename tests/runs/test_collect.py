"""What runs have left: read, missing with its command, or damaged with one line."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.report_files import RUNS, folders, probabilities, run, write_result, write_run

from sentiment.report import runs_table
from sentiment.runs import collect
from sentiment.runs.collect import Missing, TrainedModel
from sentiment.runs.run_files import Run, RunsWanted, TrainingData

Y_TRUE = np.array([0, 1, 2])
PARTS = ("training", "history", "resources", "tested", "ttd", "inference")


def collected(work: Path, percent: float | None = None) -> list[TrainedModel]:
    return collect.trained_models(RunsWanted(percent=percent), folders(work))


def states(model: TrainedModel) -> dict[str, str]:
    """The states of the parts that are missing."""
    parts = {name: getattr(model, name) for name in PARTS}
    return {name: part.state for name, part in parts.items() if isinstance(part, Missing)}


def write_model(of: Run) -> None:
    """A model that holds nothing but the card, which is the manifest of its run."""
    with zipfile.ZipFile(of.model, "w") as archive:
        archive.writestr("run.json", of.manifest.read_text())


def as_objects(file: Path) -> None:
    write_result(file, np.arange(3), probabilities(np.arange(3)),
                 paths=np.array(["a", "b", "c"], dtype=object))  # fmt: skip


def not_numbers(file: Path) -> None:
    write_result(file, np.arange(3), np.full((3, 3), np.nan, np.float32))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_damaged_files_cost_their_part_and_one_line_each(tmp_path: Path) -> None:
    runs = [run(tmp_path, *key) for key in RUNS]
    for of in runs:
        write_run(of, Y_TRUE, probabilities(Y_TRUE))
    damage = {
        runs[0].result("t4sa"): cut,
        runs[1].result("t4sa"): as_objects,
        runs[2].result("t4sa"): not_numbers,
        runs[2].manifest: cut,
        runs[3].inference: cut,
        runs[4].history: lambda file: file.write_bytes(b"\x00\xff,\n"),
        runs[4].resources: lambda file: file.write_text("seconds\n1\n"),
        runs[4].result("ttd"): Path.unlink,
        runs[5].manifest: Path.unlink,
    }
    for file, spoil in damage.items():
        spoil(file)
    without_rows = runs[0].resources
    without_rows.write_text(without_rows.read_text().splitlines()[0] + "\n")
    models = collected(tmp_path)
    problems = [problem for model in models for problem in model.problems]
    for file, spoil in damage.items():
        lines = [problem for problem in problems if problem.startswith(f"{file}: ")]
        assert len(lines) == (spoil is not Path.unlink), (file, lines)
    assert [states(model) for model in models[:6]] == [
        {"tested": "unusable", "resources": "not recorded"},
        {"tested": "unusable"},
        dict.fromkeys(("training", "history", "resources", "tested"), "unusable"),
        {"inference": "unusable"},
        {"history": "unusable", "resources": "unusable", "ttd": "not run"},
        dict.fromkeys(("training", "history", "resources"), "not run"),
    ]
    assert not any(states(model) for model in models[6:])


def test_what_is_missing_says_the_commands_that_make_it(tmp_path: Path) -> None:
    trained, untrained, *_ = collected(tmp_path)
    assert set(states(trained).values()) == {"not run"}
    write_run(trained.run, Y_TRUE, probabilities(Y_TRUE))
    for file in (trained.run.result("t4sa"), trained.run.result("ttd"), trained.run.inference):
        file.unlink()
    trained, untrained, *_ = collected(tmp_path)
    predict = trained.run.prediction_command()
    measure = "python scripts/measure_inference.py --dataset t4sa"
    assert trained.tested == Missing("not run", (predict,))
    assert trained.ttd == Missing("not run", (trained.run.prediction_command("--test-on", "ttd"),))
    assert trained.inference == Missing("not run", (measure,))
    train, predict = untrained.run.training_command, untrained.run.prediction_command()
    assert untrained.history == untrained.training == Missing("not run", (train,))
    assert untrained.tested == Missing("not run", (train, predict))
    assert str(untrained.tested) == f"not run; {train}, then {predict}"
    assert untrained.inference == Missing("not run", (train, measure))


@pytest.mark.parametrize(
    ("attempt", "state"),
    [
        ({"status": "failed", "error": "no memory"}, "failed (no memory)"),
        ({"status": "failed"}, "failed (it does not say why)"),
        ({"status": "running"}, "running, or was killed"),
    ],
)
def test_an_attempt_that_did_not_finish_is_said(
    attempt: dict[str, str], state: str, tmp_path: Path
) -> None:
    alone, beside_a_model = (run(tmp_path, *key) for key in RUNS[:2])
    for of in (alone, beside_a_model):
        write_run(of, Y_TRUE, probabilities(Y_TRUE))
    write_model(beside_a_model)
    for of in (alone, beside_a_model):
        of.manifest.write_text(json.dumps(attempt | {"start": "2026-02-02T00:00:00+00:00"}))
    first, second, *_ = collected(tmp_path)
    assert states(first) == dict.fromkeys(("training", "history", "resources"), state)
    assert not first.problems
    assert states(second) == dict.fromkeys(("history", "resources"), "of a later run")
    (problem,) = second.problems
    assert problem.endswith(f"{state}; its history and resources are left out")


def test_a_run_on_another_percent_is_not_taken_for_the_one_wanted(tmp_path: Path) -> None:
    of = run(tmp_path, *RUNS[0], percent=10)
    write_run(of, Y_TRUE, probabilities(Y_TRUE))
    write_model(of)
    (model, *_), (of_20, *_) = collected(tmp_path), collected(tmp_path, percent=20)
    assert model.run.percent == 10 and not states(model)
    assert model.checkpoint_bytes == of.model.stat().st_size
    assert of_20.problems == [f"{of.model}: trained on 10 %, not 20 %"]
    assert states(of_20) == dict.fromkeys(PARTS, "not run")
    assert of_20.checkpoint_bytes is None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"model_start": "2025"}, "of an earlier model; measure again"),
        ({"measured": []}, "damaged (nothing was measured)"),
        ({"measured": [{}]}, "damaged ('milliseconds')"),
    ],
)
def test_costs_of_another_model_or_without_figures_are_refused(
    changed: dict, expected: str, tmp_path: Path
) -> None:
    of = run(tmp_path, *RUNS[0])
    write_run(of, Y_TRUE, probabilities(Y_TRUE))
    content = json.loads(of.inference.read_text())
    of.inference.write_text(json.dumps(content | changed))
    model = collected(tmp_path)[0]
    assert states(model) == {"inference": "unusable"}
    assert model.problems == [f"{of.inference}: {expected}"]


@pytest.mark.parametrize(
    "changed",
    [
        {"milliseconds": {"1": [1.0], "15": []}},
        {"milliseconds": {"1": [1.0], "15": [float("nan")]}},
        {"milliseconds": {"1": ["fast"], "15": [1.0]}},
        {"milliseconds": {"1": [1.0]}},
        {"weights_bytes": "many"},
        {"peak_rss_bytes": None},
        {"peak_rss_bytes": 0},
    ],
)
def test_costs_that_are_no_numbers_are_damage(changed: dict, tmp_path: Path) -> None:
    of = run(tmp_path, *RUNS[0])
    write_run(of, Y_TRUE, probabilities(Y_TRUE))
    content = json.loads(of.inference.read_text())
    content["measured"][0] |= changed
    of.inference.write_text(json.dumps(content))
    model = collected(tmp_path)[0]
    assert states(model) == {"inference": "unusable"}
    (problem,) = model.problems
    assert problem.startswith(f"{of.inference}: damaged (")


def test_a_manifest_without_a_figure_is_damage(tmp_path: Path) -> None:
    of = run(tmp_path, *RUNS[0])
    write_run(of, Y_TRUE, probabilities(Y_TRUE))
    manifest = json.loads(of.manifest.read_text())
    del manifest["waiting_seconds"]
    of.manifest.write_text(json.dumps(manifest))
    model = collected(tmp_path)[0]
    assert states(model) == dict.fromkeys(("training", "history", "resources"), "unusable")
    assert model.problems == [f"{of.manifest}: damaged (no waiting_seconds)"]


def test_runs_with_chosen_labels_stand_behind_their_networks_own(tmp_path: Path) -> None:
    choices = {"labels": "shares", "temperature": "2"}
    data = TrainingData("t4sa").with_choices(choices)
    of = Run("mobilenet", "fc", data, folders(tmp_path))
    write_run(of, Y_TRUE, probabilities(Y_TRUE))
    of.manifest.write_text(json.dumps(json.loads(of.manifest.read_text()) | {"choices": choices}))
    names = [model.name for model in collected(tmp_path)]
    assert len(names) == len(set(names)) == len(RUNS) + 1
    place = names.index("MobileNetV2 FT-F")
    assert names[place + 1] == "MobileNetV2 FT-F, shares, temperature 2"
    model = collected(tmp_path)[place + 1]
    assert model.run == of and not states(model)
    assert "--dataset t4sa --labels shares --temperature 2" in of.prediction_command()
    assert model.run.measuring_command.endswith("--dataset t4sa")
    (learned,) = {row["learned"] for row in runs_table.runs([model]).frame.to_dict("records")}
    assert learned == "shares, temperature 2"
    assert "learned" not in runs_table.runs(collected(tmp_path)[:1]).frame


def test_a_further_variant_is_told_of_where_it_was_run(tmp_path: Path) -> None:
    of = run(tmp_path, "vit-l16", "all")
    write_run(of, Y_TRUE, probabilities(Y_TRUE))
    models = {model.name: model for model in collected(tmp_path)}
    assert len(models) == len(RUNS) + 1
    assert list(models).index("ViT-L/16 FT-A") == list(models).index("ViT-B/16 FT-A") + 1
    assert models["ViT-L/16 FT-A"].run == of and not states(models["ViT-L/16 FT-A"])
    assert of.prediction_command().endswith("train_vit.py -- --variant l16 --dataset t4sa")
    assert of.measuring_command.endswith("measure_inference.py --dataset t4sa")
