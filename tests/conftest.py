"""What the tests share: real photos by an environment variable, drawn ones, real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"
sys.path.insert(0, str(SRC))

NETWORKS = sorted(file.parent.name for file in SRC.glob("*/architecture.py"))
"""Every network's folder, found as the library finds it."""
TRAINING_SCRIPTS = sorted(SRC.glob("*/[!r]*_layer_train_*.py"))


def start(*command: object, **settings: str) -> subprocess.CompletedProcess:
    """Run a command to its end as a person would, with more environment variables."""
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | settings,
    )


def run(script: Path | str, *words: object, **settings: str) -> subprocess.CompletedProcess:
    """Run one of the project's scripts with this Python."""
    return start(sys.executable, ROOT / script, *words, **settings)


def succeed(script: Path | str, *words: object, **settings: str) -> str:
    """Run a script that must succeed; return what it printed."""
    done = run(script, *words, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refusal(script: Path | str, *words: object, **settings: str) -> str:
    """Run a script that must refuse with status 2 and one line; return the line."""
    done = run(script, *words, **settings)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and weights; a wrong SENTIMENT_SHARED fails, none skips."""
    if "SENTIMENT_SHARED" not in os.environ:
        pytest.skip("SENTIMENT_SHARED names no folder of real photos")
    folder = Path(os.environ["SENTIMENT_SHARED"])
    assert (folder / "data").is_dir(), f"SENTIMENT_SHARED={folder}: no folder data in it"
    return folder


@pytest.fixture(scope="session")
def weights(shared: Path) -> Path:
    """Real ImageNet weights of MobileNetV2."""
    return shared / "weights" / "mobilenet_v2_imagenet_no_top.weights.h5"


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
    from sentiment import drawn_photos

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
