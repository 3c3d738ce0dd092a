"""Photos that tests share: real ones by an environment variable, drawn ones, and noise."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.made_once import made_once
from helpers.scripts import ROOT, lacking, start, succeed


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and weights, named by SENTIMENT_SHARED.

    Without the variable the test is skipped; where it names no such folder the test fails.
    """
    if "SENTIMENT_SHARED" not in os.environ:
        lacking("SENTIMENT_SHARED names no folder of real photos")
    folder = Path(os.environ["SENTIMENT_SHARED"])
    assert (folder / "data").is_dir(), f"SENTIMENT_SHARED={folder}: no folder data in it"
    return folder


@pytest.fixture(scope="session")
def weights(shared: Path) -> Path:
    """Real ImageNet weights of MobileNetV2."""
    return shared / "weights" / "mobilenet_v2_imagenet_no_top.weights.h5"


@pytest.fixture(scope="session")
def without_tensorflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables under which TensorFlow cannot be imported."""
    folder = tmp_path_factory.mktemp("missing")
    (folder / "tensorflow.py").write_text("raise ModuleNotFoundError('no TensorFlow here')")
    return {"PYTHONPATH": str(folder)}


def _own_copy(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Path:
    """A worker's copy of prepared data: trainings store their features beside the photos."""
    folder = tmp_path_factory.mktemp(prepared.name)
    return Path(shutil.copytree(prepared, folder, dirs_exist_ok=True))


@pytest.fixture(scope="session")
def real_data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared real photos: dogs, t4sa (real tweets in B-T4SA's form) and ttd."""

    def prepare(data_dir: Path) -> None:
        for kind, folder in {"dogs": "dogs", "t4sa": "tweets", "ttd": "ttd"}.items():
            source = shared / "data" / folder
            succeed("scripts/prepare_data.py", kind, "--source", source, "--data-dir", data_dir)

    return _own_copy(tmp_path_factory, made_once(tmp_path_factory, "real_data", prepare))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn pictures, in the form of the dog breeds."""
    from sentiment.data import drawn_faces

    def draw(folder: Path) -> None:
        drawn_faces.draw(folder / "photos", {"train": 60, "valid": 15, "test": 15})

    return made_once(tmp_path_factory, "drawn", draw) / "photos"


@pytest.fixture(scope="session")
def drawn_data(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn pictures, prepared under the name drawn."""

    def prepare(data_dir: Path) -> None:
        succeed("scripts/prepare_data.py", "dogs", "--source", drawn, "--name", "drawn",
                "--data-dir", data_dir)  # fmt: skip

    return _own_copy(tmp_path_factory, made_once(tmp_path_factory, "drawn_data", prepare))


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny pictures of noise in the form of the dog breeds: 56, 6 and 7 in the splits.

    One picture stands both in train and in test, and a file in train is no picture.
    """
    import numpy as np
    from PIL import Image

    folder, random = tmp_path_factory.mktemp("noise"), np.random.default_rng(0)
    for split, count in {"train": 28, "valid": 3, "test": 3}.items():
        for breed in ("akita", "boxer"):
            (folder / split / breed).mkdir(parents=True)
            for number in range(count):
                picture = Image.fromarray(random.integers(0, 256, (9, 9, 3), np.uint8))
                picture.save(folder / split / breed / f"{number:02}.png")
    (folder / "train/akita/bad.png").write_bytes(b"no picture")
    shutil.copy(folder / "train/boxer/03.png", folder / "test/akita/09.png")
    return folder


@dataclass(frozen=True)
class Demonstration:
    """The demonstration, run in a checkout of its own."""

    folder: Path
    """The checkout; its folders data, logs and saved_models each hold a folder demo."""
    said: str
    """Standard output of the command."""


def demonstrate(folder: Path, *words: object, **settings: str) -> Demonstration:
    """Run the demonstration in a new checkout, as a person would."""
    for part in ("src", "scripts"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", folder)
    if (ROOT / ".venv").exists():  # test.sh has made it from nothing, by the same script
        (folder / ".venv").symlink_to(ROOT / ".venv")
    done = start("bash", folder / "scripts" / "demo.sh", *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    return Demonstration(folder, done.stdout)


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """The demonstration without a network, so on drawn faces.

    Made once for the tests of the xdist group "demonstration", which one worker runs.
    """
    closed = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    return demonstrate(tmp_path_factory.mktemp("demonstration"), **closed)


@dataclass(frozen=True)
class Few:
    """A few real tweets, prepared: enough to go through everything."""

    data_dir: Path
    """Folder of prepared data: t4sa with 8, 4 and 4 tweets of each class in train, validation and
    test, and ttd with 4 of each class that all annotators agree on and some that fewer do."""
    listed: list[str]
    """The paths and labels in the list of t4sa's test split, in turn."""


@pytest.fixture(scope="session")
def few(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Few:
    """A few real tweets, prepared.

    The test splits of t4sa and ttd have one size: TensorFlow traces a network anew for another.
    """

    def prepare(folder: Path) -> None:
        sources = {"t4sa": folder / "tweets", "ttd": folder / "tweets_by_people"}
        _few_tweets(shared / "data" / "tweets", sources["t4sa"])
        _few_of_ttd(shared / "data" / "ttd", sources["ttd"])
        for kind, source in sources.items():
            data_dir = folder / "few_data"
            succeed("scripts/prepare_data.py", kind, "--source", source, "--data-dir", data_dir)

    made = made_once(tmp_path_factory, "few", prepare)
    listed = (made / "tweets" / "b-t4sa_test.txt").read_text().split()
    return Few(_own_copy(tmp_path_factory, made / "few_data"), listed)


def _few_tweets(tweets: Path, folder: Path) -> None:
    """B-T4SA's lists with a few tweets of each class."""
    folder.mkdir()
    (folder / "data").symlink_to(tweets / "data")
    for split, count in {"train": 8, "val": 4, "test": 4}.items():
        lines = (tweets / f"b-t4sa_{split}.txt").read_text().splitlines()
        kept = [line for label in "012" for line in _labelled(lines, label)[:count]]
        (folder / f"b-t4sa_{split}.txt").write_text("\n".join(kept) + "\n")


def _few_of_ttd(ttd: Path, folder: Path) -> None:
    """TTD's lists with 4 photos of each class that five agree on, and one more at each level."""
    folder.mkdir()
    (folder / "Agg_AMT_Candidates").symlink_to(ttd / "Agg_AMT_Candidates")
    kept: list[str] = []
    for level, count in {"five": 4, "four": 1, "three": 1}.items():
        lines = (ttd / f"twitter_{level}_agrees.txt").read_text().splitlines()
        new = [line for line in lines if line not in kept]
        kept += [line for label in "01" for line in _labelled(new, label)[:count]]
        (folder / f"twitter_{level}_agrees.txt").write_text("\n".join(kept) + "\n")


def _labelled(lines: list[str], label: str) -> list[str]:
    """The lines of photos with this label."""
    return [line for line in lines if line.endswith(f" {label}")]
