"""What another program said of a list's photos becomes a result of the same photos as ours."""

from pathlib import Path

import numpy as np
import pytest
from helpers.samples import Few
from helpers.scripts import refusal, succeed

from sentiment.data.dataset import Dataset
from sentiment.runs import predictions

SCRIPT = "scripts/import_predictions.py"


def said_of(paths: list[str], file: Path, seed: int = 1) -> np.ndarray:
    """Probabilities for a list's photos, printed as NumPy's `savetxt` does: float64 (n, 3)."""
    y_prob = np.random.default_rng(seed).dirichlet(np.ones(3), len(paths))
    np.savetxt(file, y_prob, delimiter=",")
    return y_prob


def test_each_photo_gets_what_was_said_of_it(few: Few, tmp_path: Path) -> None:
    """The list has another order, a folder more before each path, and a photo that could not be
    decoded when the data were prepared."""
    for name, columns in {"t4sa": [0, 1, 2], "ttd": [0, 2]}.items():
        split = Dataset(few.data_dir, name).split("test")
        paths = [*reversed(split.paths.tolist()), "data/0/undecodable.jpg"]
        listed = tmp_path / f"{name}.txt"
        listed.write_text("".join(f"/photos/{name}/{path} 1\n" for path in paths))
        y_prob = said_of(paths, tmp_path / "said.csv")
        said = succeed(SCRIPT, "--list", listed, "--predictions", tmp_path / "said.csv", "--name",
                       "theirs", "--dataset", name, "--data-dir", few.data_dir,
                       "--models-dir", tmp_path / "models")  # fmt: skip
        assert "1 photos of" in said and "left out" in said
        file = tmp_path / "models" / "theirs" / f"predictions_on_{name}_result.npz"
        result = predictions.read(file, all_classes=name == "t4sa")
        assert result.imported and result.paths.tolist() == split.paths.tolist()
        kept = y_prob[len(paths) - 2 :: -1][:, columns]
        np.testing.assert_allclose(result.y_prob, kept / kept.sum(axis=1)[:, None], atol=1e-6)
        np.testing.assert_array_equal(result.y_true, split.labels[:])
        np.testing.assert_array_equal(result.agreement, split.agreement[:])


@pytest.mark.parametrize(("listed", "said", "expected"), [
    ("short", None, "11 lines for the 12 photos in"),
    ("another", None, "is not in it; expected the list of its test split"),
    ("twice", None, ":2: data/"),
    (None, "0.2,0.8\n", "said.csv:1: expected 3 probabilities that add up to 1, NEG,NEU,POS"),
    (None, "NEG,NEU,POS\n", "said.csv:1: expected 3 probabilities"),
    (None, "0.2,0.3,0.4\n", "received '0.2,0.3,0.4'"),
    (None, "nan,0.5,0.5\n", "received 'nan,0.5,0.5'"),
])  # fmt: skip
def test_what_does_not_fit_gets_one_line(
    listed: str | None, said: str | None, expected: str, few: Few, tmp_path: Path
) -> None:
    paths = few.listed[::2]
    said_of(paths[1:] if listed == "short" else paths, tmp_path / "said.csv")
    if said:
        (tmp_path / "said.csv").write_text(said)
    changed = {"another": ["data/0/other.jpg", *paths[1:]], "twice": [paths[0], *paths[:-1]]}
    (tmp_path / "list.txt").write_text("\n".join(changed.get(str(listed), paths)))
    line = refusal(SCRIPT, "--list", tmp_path / "list.txt", "--predictions",
                   tmp_path / "said.csv", "--name", "theirs", "--data-dir", few.data_dir,
                   "--models-dir", tmp_path / "models")  # fmt: skip
    assert expected in line
    assert not (tmp_path / "models").exists()
