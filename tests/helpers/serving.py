"""What the tests of the service share: an exported model, photos, and the service as a process."""

import io
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from helpers import warm
from helpers.made_once import made_once
from helpers.scripts import ROOT

PREDICT, EXPLAIN = "/v1/predict", "/v1/explain"

EXPORT = """
import pathlib, sys
sys.path[:0] = [sys.argv[1]]
from mobilenet.architecture import ARCHITECTURE, FC
import dataclasses, keras
from sentiment.model import build, model_file
weights, path = sys.argv[2:]
keras.utils.set_random_seed(3)
network = build.build_model(ARCHITECTURE, dataclasses.replace(FC, weights=weights), 3)
network.export(path, format="litert")
card = {
    "class_names": ["negative", "neutral", "positive"], "dataset": "t4sa", "percent": 100.0,
    "architecture": "mobilenet", "recipe": {"layers": "fc", "weights": "/home/me/weights.h5"},
    "machine": "my-machine", "command": ["/home/me/python"],
    "export": {"exported": {"n": 90, "correct": 45}},
}
model_file.add_card(pathlib.Path(path), card)
"""


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNetV2 with new FC layers, exported; with ImageNet's weights where they are there."""
    shared = os.environ.get("SENTIMENT_SHARED")
    weights = f"{shared}/weights/mobilenet_v2_imagenet_no_top.weights.h5" if shared else "none"
    name = "fc_layers_mobilenet.tflite"

    def export(folder: Path) -> None:
        script = folder / "export.py"
        script.write_text(EXPORT)
        done = warm.run([script, ROOT / "src", weights, folder / name], dict(os.environ))
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "exported", export) / name


NAMES = {
    2: ["Nova Scotia Duck Tolling Retriever", "\u0633\u0639\u064a\u062f \u062c\u062f\u064b\u0627"],
    8: [
        "\u697d\u3057\u3044\u5199\u771f", "\u7545\u6016", "\u6e80\u8db3", "contentment",
        "\U0001f621 anger", "\u0627\u0634\u0645\u0626\u0632\u0627\u0632", "fear",
        "what sixty characters hold, which is longer than class names",
    ],
    133: [f"{i:03}.Breed_of_which_nobody_knows_a_short_name,_but_a_long_one" for i in range(133)],
}  # fmt: skip
"""Names of classes by their number: long ones, Arabic, Japanese, with a picture."""

EXPORT_NAMED = """
import json, pathlib, sys
sys.path[:0] = sys.argv[1:3]
import keras
from helpers.small_network import ALL, SMALL
from sentiment.data import image_size
from sentiment.model import build, model_file
def export(name, names, side):
    keras.utils.set_random_seed(3)
    path = pathlib.Path(sys.argv[4]) / name
    build.build_model(SMALL, ALL, len(names), side=side).export(path, format="litert")
    model_file.add_card(path, {"class_names": names, "dataset": "photos", **image_size.entry(side)})
for names in json.loads(sys.argv[3]):
    export(f"of_{len(names)}.tflite", names, image_size.SIDE)
export("of_96_pixels.tflite", ["negative", "neutral", "positive"], 96)
"""


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models of a few weights: for each of NAMES `of_2.tflite` and so on, and
    `of_96_pixels.tflite`, which takes photos of that size."""

    def export(folder: Path) -> None:
        script = folder / "export.py"
        script.write_text(EXPORT_NAMED)
        words = [script, ROOT / "src", ROOT / "tests", json.dumps([*NAMES.values()]), folder]
        done = warm.run(words, dict(os.environ))
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "named", export)


@pytest.fixture(scope="session")
def photos(request: pytest.FixtureRequest) -> list[Path]:
    """Twelve photos: six of tweets and six of dogs, or drawn ones where those are missing."""
    if "SENTIMENT_SHARED" not in os.environ:
        return sorted(request.getfixturevalue("drawn").rglob("*.jpg"))[::23][:12]
    data = Path(os.environ["SENTIMENT_SHARED"]) / "data"
    tweets, dogs = (sorted((data / name).rglob("*.jpg")) for name in ("tweets", "dogs"))
    return [*tweets[::100][:6], *dogs[::40][:6]]


@pytest.fixture(scope="session")
def alone(model: Path) -> Callable[[bytes], np.ndarray]:
    """Predicts a photo's bytes without the service, by decoding and LiteRT; float32 (3,)."""
    from sentiment.data.decode import decode
    from sentiment.inference.litert import LitertModel

    litert = LitertModel(model)
    return lambda content: litert.predict(decode(content)[None])[0]


def _write_nothing() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


class Server:
    """The service as a process of its own; it can neither import a training library nor write.

    Args:
        model: the exported model.
        folder: an empty folder for files of the process.
        flags: more flags of `scripts/serve.py`.
        may_write: let it write files, as it does where it keeps measurements.
        settings: more environment variables.
    """

    def __init__(
        self, model: Path, folder: Path, *flags: object, may_write: bool = False, **settings: str
    ):
        for name in ("tensorflow", "keras", "jax", "torch", "bcolz"):
            (folder / f"{name}.py").write_text(f"raise ImportError('{name} was imported')")
        self.log = folder / "log.txt"
        environment = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, ROOT / "scripts" / "serve.py", "--model", model, "--port", "0"]
        # The process may write to no file, so cat writes what it prints.
        self._log = subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, stdout=self.log.open("wb"), bufsize=0
        )
        self.process = subprocess.Popen(
            [str(word) for word in (*command, *flags)],
            stdout=self._log.stdin,
            stderr=subprocess.STDOUT,
            env=os.environ | environment | settings,
            preexec_fn=None if may_write else _write_nothing,
        )
        self._log.stdin.close()
        self.url = self._wait_for_url()
        self.port = int(self.url.rsplit(":", 1)[1])

    def _wait_for_url(self) -> str:
        for _ in range(600):
            if url := re.search(r"(https?://\S+:\d+)/", self.log.read_text()):
                return url[1]
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(f"not started: {self.log.read_text()}")

    @property
    def memory(self) -> float:
        """Resident memory, in MB."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def post(self, path: str, content: object, **more: object) -> httpx.Response:
        """Send a photo's bytes."""
        headers = {"Content-Type": "application/octet-stream"} | more.pop("headers", {})
        return httpx.post(self.url + path, content=content, headers=headers, timeout=60, **more)

    def stop(self) -> None:
        """Send SIGTERM, wait, and check that the log tells of no fault."""
        self.process.terminate()
        self.process.wait(60)
        self._log.wait(60)
        assert "Traceback" not in self.log.read_text(), self.log.read_text()


@pytest.fixture
def serve(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts services with flags of their own, and stops them after the test."""
    servers = []

    def started(*flags: object, **settings: str) -> Server:
        servers.append(Server(model, tmp_path_factory.mktemp("server"), *flags, **settings))
        return servers[-1]

    yield started
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with its default flags."""
    server = Server(model, tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def plain(width: int = 30, height: int = 20, form: str = "PNG", **options: object) -> bytes:
    return encoded(Image.new("RGB", (width, height), "teal"), form, **options)


def form(*photos: bytes) -> dict:
    """Photos as arguments for httpx to send a multipart form."""
    return {"files": [("photo", (f"secret-name-{i}.jpg", p)) for i, p in enumerate(photos)]}


def problem(answer: httpx.Response, status: int, kind: str) -> dict:
    """Check that an answer is a problem detail of this kind, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == status
    assert content["type"] == f"/docs#{kind}"
    assert content["title"]
    assert content["detail"]
    return content
