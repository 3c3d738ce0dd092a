"""The functions of a notebook: what they return, and the README's page of examples as it stands."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import report_files, warm
from helpers.samples import Demonstration
from helpers.scripts import ROOT

from sentiment.base.errors import UserError
from sentiment.data.decode import FORMATS, decode_file
from sentiment.inference import notebook
from sentiment.runs import history_file

CHECKS = """
assert abs((table.label == [data.class_names[label] for label in test.labels]).mean()
           - tested.accuracy[0]) < 1e-9
assert files.problem.isna()["photo.jpg"]
assert files.label["photo.jpg"] in data.class_names
assert files.problem["README.md"].startswith("not an image")
assert set(tested.run) == set(epochs.run) == {
    "fc_layers_efficientnetlite", "all_layers_efficientnetlite"}
assert abs(comparison.difference - tested.accuracy[0] + tested.accuracy[1]) < 1e-9
"""


@pytest.mark.slow
@pytest.mark.xdist_group("demonstration")
def test_the_page_of_examples_holds(demonstration: Demonstration, shared: Path) -> None:
    page = (ROOT / "src" / "README.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shutil.copy(next((shared / "data" / "dogs").rglob("*.jpg")), demonstration.folder / "photo.jpg")
    shutil.copy(ROOT / "README.md", demonstration.folder)
    script = demonstration.folder / "page.py"
    script.write_text("\n".join([*blocks, CHECKS]))
    process = warm.Process([script], dict(os.environ), demonstration.folder)
    output, errors = process.communicate()
    assert process.returncode == 0, output + errors


@pytest.mark.slow
@pytest.mark.xdist_group("service")
def test_arrays_and_files_are_predicted(
    model: Path, photos: list[Path], alone: Callable[[bytes], np.ndarray], tmp_path: Path
) -> None:
    loaded = notebook.load_model(model)
    bad = tmp_path / "bad.jpg"
    bad.write_text("no photo")
    given = [*photos[:3], bad, tmp_path / "none.jpg"]
    table = notebook.predict(loaded, given)
    assert list(table.columns) == ["label", *loaded.class_names, "problem"]
    assert list(table.index) == list(map(str, given))
    assert list(table.problem[3:]) == [
        f"not an image ({', '.join(FORMATS)} are read)", "no such file"
    ]  # fmt: skip
    assert table.label[3:].isna().all()
    expected = np.stack([alone(path.read_bytes()) for path in photos[:3]])
    np.testing.assert_allclose(table[list(loaded.class_names)][:3], expected, atol=1e-6)
    assert list(table.label[:3]) == [loaded.class_names[i] for i in expected.argmax(axis=1)]
    array = notebook.predict(loaded, np.stack([decode_file(path) for path in photos[:3]]))
    np.testing.assert_allclose(array[list(loaded.class_names)], expected, atol=1e-6)
    assert list(array.label) == list(table.label[:3])
    assert notebook.predict(loaded, []).empty
    with pytest.raises(UserError, match="give the paths of photos"):
        notebook.predict(loaded, np.zeros((2, 64, 64, 3), np.uint8))
    with pytest.raises(UserError, match=r"none.keras: no model, a .keras or .tflite file"):
        notebook.load_model("none.keras")


def test_all_runs_are_read_as_tables(tmp_path: Path) -> None:
    assert notebook.histories(tmp_path).empty and notebook.results(tmp_path).empty
    y_true = np.arange(30) % 3
    said = {"mobilenet": np.where(np.arange(30) < 6, 0, y_true), "vgg19": y_true}
    for network, classes in said.items():
        run = report_files.run(tmp_path, network, "all")
        report_files.write_run(run, y_true, report_files.probabilities(classes))
    epochs = notebook.histories(str(tmp_path / "logs"))
    assert list(epochs.run) == ["all_layers_mobilenet"] * 3 + ["all_layers_vgg19"] * 3
    assert {"folder", *history_file.REACHED} <= set(epochs.columns)
    damaged = tmp_path / "models" / "t4sa" / "fc_layers_vgg19_result.npz"
    damaged.write_bytes(b"none")
    with pytest.warns(UserWarning, match="damaged"):
        found = notebook.results(tmp_path / "models").set_index(["run", "tested_on"])
    assert len(found) == 4
    row = found.loc["all_layers_mobilenet", "t4sa"]
    assert (row.n, row.accuracy, row.folder) == (30, 26 / 30, "t4sa")
    assert row.low < row.accuracy < row.high
    of_ttd = found.loc["all_layers_vgg19", "ttd"]
    assert (of_ttd.n, of_ttd.accuracy) == (20, 1)
    comparison = notebook.compare(row.file, found.loc["all_layers_vgg19", "t4sa"].file)
    assert comparison.difference == pytest.approx(-4 / 30)
    with pytest.raises(UserError, match="compared with itself"):
        notebook.compare(row.file, row.file)
