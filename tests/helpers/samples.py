"""Photos that tests share: real ones by an environment variable, drawn ones, and noise."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.scripts import ROOT, lacking, start, succeed


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and weights; a wrong SENTIMENT_SHARED fails, none skips."""
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
    """Settings under which TensorFlow is not installed."""
    folder = tmp_path_factory.mktemp("missing")
    (folder / "tensorflow.py").write_text("raise ModuleNotFoundError('no TensorFlow here')")
    return {"PYTHONPATH": str(folder)}


@pytest.fixture(scope="session")
def real_data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared real photos: dogs, t4sa (real tweets in B-T4SA's form) and ttd."""
    data_dir = tmp_path_factory.mktemp("real_data")
    for kind, folder in {"dogs": "dogs", "t4sa": "tweets", "ttd": "ttd"}.items():
        source = shared / "data" / folder
        succeed("scripts/prepare_data.py", kind, "--source", source, "--data-dir", data_dir)
    return data_dir


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn pictures, in the form of the dog breeds."""
    from sentiment.data import drawn_photos

    folder = tmp_path_factory.mktemp("drawn") / "photos"
    drawn_photos.draw(folder)
    return folder


@pytest.fixture(scope="session")
def drawn_data(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn pictures, prepared under the name drawn."""
    data_dir = tmp_path_factory.mktemp("drawn_data")
    succeed("scripts/prepare_data.py", "dogs", "--source", drawn, "--name", "drawn",
            "--data-dir", data_dir)  # fmt: skip
    return data_dir


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny pictures of noise in the form of the dog breeds, 56 + 6 + 7 and a bad one.

    One stands in train and in test.
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
    """The demonstration, run on real dogs in a checkout of its own."""

    folder: Path
    """With the folders data, logs and saved_models, and demo in each."""
    said: str


@pytest.fixture(scope="session")
def demonstration(
    shared: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Demonstration:
    """For tests of the xdist group "demonstration", for which it is made once."""
    folder = tmp_path_factory.mktemp("demonstration")
    for part in ("src", "scripts"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", folder)
    if (ROOT / ".venv").exists():  # test.sh has made it from nothing, by the same script
        (folder / ".venv").symlink_to(ROOT / ".venv")
    script, photos = folder / "scripts" / "demo.sh", shared / "data" / "dogs"
    done = start("bash", script, "--photos", photos, "--weights", weights)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    return Demonstration(folder, done.stdout)


@dataclass(frozen=True)
class Few:
    """A few real tweets, prepared: enough to go through everything."""

    data_dir: Path
    """With t4sa, 8, 4 and 4 of each class, and ttd, 4 of each and some that fewer agree on."""
    listed: list[str]
    """Paths and labels of t4sa's test split in turn, in its order."""


@pytest.fixture(scope="session")
def few(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Few:
    """As much to test of t4sa as of TTD: TensorFlow traces a network anew for another size."""
    work = tmp_path_factory.mktemp("few")
    sources = {"t4sa": work / "tweets", "ttd": work / "tweets_by_people"}
    _few_tweets(shared / "data" / "tweets", sources["t4sa"])
    _few_of_ttd(shared / "data" / "ttd", sources["ttd"])
    for kind, source in sources.items():
        succeed("scripts/prepare_data.py", kind, "--source", source, "--data-dir", work / "data")
    return Few(work / "data", (sources["t4sa"] / "b-t4sa_test.txt").read_text().split())


def _few_tweets(tweets: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "data").symlink_to(tweets / "data")
    for split, few in {"train": 8, "val": 4, "test": 4}.items():
        lines = (tweets / f"b-t4sa_{split}.txt").read_text().splitlines()
        kept = [line for label in "012" for line in _ending(lines, label)[:few]]
        (folder / f"b-t4sa_{split}.txt").write_text("\n".join(kept) + "\n")


def _few_of_ttd(ttd: Path, folder: Path) -> None:
    """Of each class 4 photos that five agree on, and one more at each level."""
    folder.mkdir()
    (folder / "Agg_AMT_Candidates").symlink_to(ttd / "Agg_AMT_Candidates")
    kept: list[str] = []
    for level, few in {"five": 4, "four": 1, "three": 1}.items():
        lines = (ttd / f"twitter_{level}_agrees.txt").read_text().splitlines()
        new = [line for line in lines if line not in kept]
        kept += [line for label in "01" for line in _ending(new, label)[:few]]
        (folder / f"twitter_{level}_agrees.txt").write_text("\n".join(kept) + "\n")


def _ending(lines: list[str], label: str) -> list[str]:
    return [line for line in lines if line.endswith(f" {label}")]
