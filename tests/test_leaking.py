"""The upper limit, from the test images too: marked wherever it could be taken for a result."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import report_files, small_checkout
from helpers.scripts import refusal, succeed

from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.data.joined_splits import Joined
from sentiment.engine.batches import Batches
from sentiment.model import model_file
from sentiment.report import findings
from sentiment.runs.run_files import Run, RunsWanted, TrainingData

SECTIONS = ("train", "validation", "test")


def test_joined_splits_give_every_image_once_with_its_label(drawn_data: Path) -> None:
    data = Dataset(drawn_data, "drawn")
    splits = [data.split(section) for section in SECTIONS]
    rows = [np.arange(0, len(split), 3) for split in splits]
    joined = Joined(splits, rows)
    batches = Batches(joined, joined.rows, 7, shuffle_seed=1)
    given = [batches[index] for index in range(len(batches))]

    def checked(images: np.ndarray, labels: np.ndarray) -> list[tuple[int, bytes]]:
        pairs = zip(labels.tolist(), images, strict=True)
        return sorted((label, image.tobytes()) for label, image in pairs)

    images = np.concatenate([np.array(image) for image, _ in given])
    labels = np.concatenate([label for _, label in given])
    expected = [
        np.concatenate([split.images[:][of] for split, of in zip(splits, rows, strict=True)]),
        np.concatenate([split.labels[of] for split, of in zip(splits, rows, strict=True)]),
    ]
    assert checked(images, labels) == checked(*expected)


def test_the_report_shows_it_in_a_section_of_its_own_alone(tmp_path: Path) -> None:
    y_true = np.arange(90) % 3
    true = report_files.run(tmp_path, "mobilenet", "fc")
    report_files.write_run(true, y_true, report_files.probabilities((y_true + 1) % 3))
    leaking = dataclasses.replace(true, leaking=True)
    report_files.write_run(leaking, y_true, report_files.probabilities(y_true))
    assert leaking.result("t4sa").name == "leaking_fc_layers_mobilenet_result.npz"

    def found() -> findings.Findings:
        return findings.gather(RunsWanted(), report_files.folders(tmp_path))

    unmarked = found()  # their files do not say that they leak
    assert unmarked.tables["leaking"].frame["accuracy"].isna().all()
    assert sum("learned from" in problem for problem in unmarked.problems) == 3

    manifest = json.loads(leaking.manifest.read_text())
    leaking.manifest.write_text(json.dumps(manifest | {model_file.LEAKS: True}))
    for tested_on, kept in {"t4sa": y_true >= 0, "ttd": y_true != 1}.items():
        report_files.write_result(
            leaking.result(tested_on), y_true[kept], report_files.probabilities(y_true[kept]),
            leaking=np.array(True),
        )  # fmt: skip
    shown = found()
    assert not any("learned from" in problem for problem in shown.problems)
    rows = shown.tables["leaking"].frame.to_dict("records")
    assert [row["accuracy"] for row in rows] == [1.0, 1.0]
    assert all(row["model"].startswith("LEAKING ") for row in rows)
    for name, table in shown.tables.items():
        if name != "leaking":
            assert "LEAKING" not in table.markdown(), name
    assert shown.tables["table_2_test_accuracy"].frame["accuracy"].max() == 0.0

    shutil.copy(leaking.result("t4sa"), true.result("t4sa"))  # renamed, it is still known
    assert any("learned from other images" in problem for problem in found().problems)


@pytest.mark.slow
def test_a_leaking_model_is_marked_and_let_out_nowhere(drawn_data: Path, tmp_path: Path) -> None:
    network = small_checkout.make(tmp_path / "checkout")
    fc, everything = (network / f"{layers}_layer_train_tinynet.py" for layers in ("fc", "all"))
    predict = network / f"result_predict_{fc.name}"
    where = ["--dataset", "drawn", "--percent", 20, "--data-dir", drawn_data, "--logs-dir",
             tmp_path / "logs", "--models-dir", tmp_path / "models"]  # fmt: skip
    leaking = [*where, "--include-test-data"]
    said = succeed(fc, *leaking, "--epochs", 1)
    counts = {s: Dataset(drawn_data, "drawn").counts(s) for s in SECTIONS}
    n = sum(round(0.2 * count) for split in counts.values() for count in split.values())
    assert f"train {n}, validation" in said
    assert "  LEAKING: learns from validation and test images too" in said
    assert "LEAKING, validation accuracy" in said

    models = tmp_path / "models" / "drawn"
    model = models / "test_leaking_fc_layers_tinynet.keras"
    card = model_file.read_card(model)
    assert card["include_test_data"] is True and card["train_images"] == n
    told = [line for line in succeed(predict, *leaking).splitlines() if "accuracy" in line]
    assert told and all("LEAKING, " in line for line in told)
    with np.load(models / "test_leaking_fc_layers_tinynet_result.npz") as result:
        assert bool(result["leaking"])

    assert "LEAKING" in refusal("scripts/export_model.py", model, "--data-dir", drawn_data)
    assert "not there; make it with" in refusal(predict, *where)
    head = ["--head", "trained", "--dry-run"]
    succeed(everything, *leaking, *head)
    assert "test_fc_layers_tinynet.keras: not there" in refusal(everything, *where, *head)

    folders = Folders(logs_dir=tmp_path / "logs", models_dir=models.parent)
    run = Run("tinynet", "fc", TrainingData("drawn", 20), folders)
    model.rename(run.model)
    assert "has learned from the test images, its name says otherwise" in refusal(predict, *where)
    line = refusal(network.parents[1] / "scripts/run_all.py", "--dataset", "drawn", "--data-dir",
                   drawn_data, "--", "--include-test-data")  # fmt: skip
    assert "such a model is no result" in line
