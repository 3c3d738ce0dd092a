"""The demonstration: the one command in a checkout of its own."""

import http.server
import io
import json
import re
import shutil
import tarfile
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from helpers.samples import Demonstration
from helpers.scripts import succeed

from sentiment.base import project
from sentiment.base.progress import hours_minutes_seconds
from sentiment.data import drawn_faces
from sentiment.experiments import demo
from sentiment.runs.accuracy import Accuracy, accuracy

pytestmark = pytest.mark.slow


def accuracy_printed(demonstration: Demonstration, layers: str) -> Accuracy:
    """The accuracy that a model's result has, which must be in what was printed."""
    run = f"{layers}_layers_efficientnetlite"
    with np.load(demonstration.folder / f"saved_models/demo/{run}_result.npz") as result:
        reached = accuracy(result["y_true"], result["y_pred"])
    manifest = json.loads((demonstration.folder / f"logs/demo/{run}_run.json").read_text())
    seconds = manifest["training_seconds"] + manifest["extraction_seconds"]  # FT-F's features
    took = hours_minutes_seconds(seconds)
    line = rf"{reached.value:.3f}, .* n = {reached.n} +{took} "
    assert re.search(line, demonstration.said)
    return reached


@pytest.mark.xdist_group("demonstration")
def test_without_photos_weights_or_network_it_learns_sentiment(
    demonstration: Demonstration,
) -> None:
    """It ends with the commands that show the better model on a page, and they run."""
    assert "EfficientNet-Lite0 on faces DRAWN by this project" in demonstration.said
    assert accuracy_printed(demonstration, "fc").value >= 0.90
    assert accuracy_printed(demonstration, "all").value >= 0.90
    picture = demonstration.folder / "logs/demo/learning_curves.png"
    assert picture.is_file()
    assert str(picture) in demonstration.said
    export, serve = re.findall(r"^  python (scripts/.*)$", demonstration.said, re.MULTILINE)
    script, model = export.split()
    assert "Saved" in succeed(demonstration.folder / script, demonstration.folder / model)
    assert (demonstration.folder / serve.split()[-1]).is_file()


def test_photos_that_are_given_are_taken(tmp_path: Path) -> None:
    assert demo.photos(tmp_path / "mine") == (tmp_path / "mine", "the photos in mine/")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own."""
    monkeypatch.setattr(project, "DATA_DIR", tmp_path / "data")
    (tmp_path / "data").mkdir()
    return tmp_path


def test_photos_are_downloaded_where_there_is_a_network(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn_faces.draw(elsewhere / "imagewoof2-160", {"train": 2, "val": 1})
    archive = elsewhere / "imagewoof2-160.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(elsewhere / "imagewoof2-160", "imagewoof2-160")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(elsewhere))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{archive.name}"
        monkeypatch.setattr(demo, "IMAGEWOOF", address)
        photos, are = demo.photos(None)
        server.shutdown()
    assert are == "Imagewoof-160"
    assert len(list(photos.glob("train/*/*.jpg"))) == 6


@pytest.mark.parametrize("answer", ["no network", "no archive"])
def test_pictures_are_drawn_where_there_is_none(
    answer: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            shutil.copyfileobj(io.BytesIO(b"a page of a captive portal"), self.wfile)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port if answer == "no archive" else 9
        monkeypatch.setattr(demo, "IMAGEWOOF", f"http://127.0.0.1:{port}/imagewoof2-160.tgz")
        photos, are = demo.photos(None)
        server.shutdown()
    assert "DRAWN" in are
    assert len(list(photos.glob("train/*/*.jpg"))) == 300
    assert not (project.DATA_DIR / "imagewoof2-160").exists()
