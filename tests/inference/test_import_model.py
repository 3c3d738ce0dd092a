"""A model that others have published is imported, and every command takes it like any other."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.made_once import made_once
from helpers.released_network import Original, checkout
from helpers.samples import Few
from helpers.scripts import refusal, succeed

from sentiment.data.dataset import Dataset
from sentiment.model import model_file
from sentiment.runs import predictions

pytestmark = pytest.mark.xdist_group("import")  # they share a checkout


@dataclass(frozen=True)
class Imported:
    """A checkout with a small network, of which a model is imported."""

    folder: Path
    original: Original

    @property
    def file(self) -> Path:
        """What was imported."""
        return self.folder.parent / "tinynet_all.pth"

    @property
    def model(self) -> Path:
        return self.folder / "saved_models" / "paper" / "all_layers_tinynet.keras"

    def importing(self, file: Path, *words: object) -> list:
        script = self.folder / "scripts" / "import_model.py"
        return [script, file, "--network", "tinynet", "--layers", "all", *words]


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    original = Original(seed=1)

    def make(folder: Path) -> None:
        made = Imported(checkout(folder / "checkout"), original)
        said = succeed(*made.importing(original.save(made.file)))
        assert f"Saved {made.model}" in said

    return Imported(made_once(tmp_path_factory, "imported", make) / "checkout", original)


def test_it_answers_as_the_original_does(imported: Imported, few: Few) -> None:
    """It is tested on B-T4SA, for there are no data of its own name."""
    script = imported.folder / "src/tinynet/result_predict_all_layer_train_tinynet.py"
    said = succeed(script, "--dataset", "paper", "--data-dir", few.data_dir)
    assert "imported from tinynet_all.pth, trained by others" in said
    file = imported.model.with_name("all_layers_tinynet_on_t4sa_result.npz")
    with np.load(file) as answer:
        photos = Dataset(few.data_dir, "t4sa").split("test").images[:]
        expected = imported.original.predict(photos)
        np.testing.assert_allclose(answer["y_prob"], expected, atol=1e-4)
        assert expected.std(axis=0).min() > 1e-3  # the photos are told apart
    assert predictions.read(file, all_classes=True).imported


def test_it_is_exported_without_data_and_offered_by_the_service(imported: Imported) -> None:
    serve = imported.folder / "scripts" / "serve.py"
    assert f"python scripts/export_model.py {imported.model}" in refusal(serve)
    said = succeed(imported.folder / "scripts" / "export_model.py", imported.model)
    assert "checks on 60 photos of the test split of drawn_faces" in said
    card = model_file.read_card(imported.model.with_suffix(".tflite"))
    assert card["imported"]["file"] == "tinynet_all.pth" and "recipe" not in card
    assert not list(imported.model.parent.glob(".partial-*"))
    line = refusal(serve, "--port", 99999)  # which is looked at after the model
    assert "--port 99999" in line


def test_the_same_file_is_imported_once(imported: Imported) -> None:
    said = succeed(*imported.importing(imported.file))
    assert "was there, imported from this very file" in said


class Command:
    def __reduce__(self) -> tuple:
        return os.system, ("touch RUN",)


def test_what_is_no_such_model_gets_one_line(
    imported: Imported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    original, models = imported.original, tmp_path / "models"
    good = original.save(tmp_path / "good.pth")
    fine, flat = np.zeros((5, 294), "f4"), np.zeros(5, "f4")
    bad = np.full_like(fine, np.nan)
    hostile, cut = tmp_path / "hostile.pth", tmp_path / "cut.pth"
    hostile.write_bytes(pickle.dumps({"conv1": {"weights": Command()}}))
    cut.write_bytes(good.read_bytes()[:-100])
    for file, expected in {
        hostile: "names posix.system, which no table of weights needs",
        cut: "ends early",
        tmp_path / "none.pth": "no such file",
        original.save(tmp_path / "a.pth", fc6=None): "has no layer fc6",
        original.save(tmp_path / "b.pth", fc6={"weights": fine}): "fc6 has no bias",
        original.save(tmp_path / "c.pth", fc6={"weights": fine.T, "bias": flat}):
            "fc6 has a weight of the shape (294, 5); expected (5, 294)",
        original.save(tmp_path / "d.pth", fc6={"weights": bad, "bias": flat}):
            "fc6 has a weight with values that are no numbers",
    }.items():  # fmt: skip
        line = refusal(*imported.importing(file, "--models-dir", models))
        assert f"{file.name}: " in line and expected in line
    words = imported.importing(good, "--models-dir", models)
    words[words.index("tinynet")] = "mobilenet"
    assert "no published models of it are known; expected one of tinynet, vgg19" in refusal(*words)
    assert not list(models.rglob("*.keras")) and not (tmp_path / "RUN").exists()
