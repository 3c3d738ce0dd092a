"""The demonstration: the one command in a checkout of its own, on real dogs."""

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

from sentiment.base import project
from sentiment.base.progress import hours_minutes_seconds
from sentiment.data import drawn_photos
from sentiment.experiments import demo
from sentiment.runs.accuracy import accuracy

pytestmark = pytest.mark.slow


@pytest.mark.xdist_group("demonstration")
def test_one_command_makes_two_good_models(demonstration: Demonstration) -> None:
    said, folder = demonstration.said, demonstration.folder
    reached = {}
    for layers in ("fc", "all"):
        file = folder / f"saved_models/demo/{layers}_layers_mobilenet_result.npz"
        with np.load(file, allow_pickle=False) as result:
            reached[layers] = accuracy(result["y_true"], result["y_pred"])
        run = json.loads((folder / f"logs/demo/{layers}_layers_mobilenet_run.json").read_text())
        seconds = run["training_seconds"] + run["extraction_seconds"]  # FT-F's features
        line = rf"{reached[layers].value:.3f}, .* n = 45 +{hours_minutes_seconds(seconds)} "
        assert re.search(line, said)
    assert reached["fc"].value >= 0.95
    assert reached["all"].value >= 0.90
    picture = folder / "logs/demo/learning_curves.png"
    assert picture.is_file()
    assert str(picture) in said


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own."""
    monkeypatch.setattr(project, "DATA_DIR", tmp_path / "data")
    (tmp_path / "data").mkdir()
    return tmp_path


def test_photos_are_downloaded_where_there_is_a_network(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn_photos.draw(elsewhere / "imagewoof2-160")
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
    assert len(list(photos.glob("train/*/*.jpg"))) == 180


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
    assert len(list(photos.glob("train/*/*.jpg"))) == 180
    assert not (project.DATA_DIR / "imagewoof2-160").exists()
