"""A model that knows breeds of dogs, and a camera's video of them, for a browser to play."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from helpers import warm
from helpers.made_once import made_once
from helpers.scripts import ROOT, lacking

BREED = "Siberian_Husky"
"""The breed of all dogs in the video."""

EXPORT = """
import dataclasses, pathlib, sys
sys.path[:0] = [sys.argv[1]]
import keras, numpy as np
from mobilenet.architecture import ARCHITECTURE, FC
from sentiment.data.decode import decode_file
from sentiment.model import build, model_file
weights, photos, path = sys.argv[2:]
folders = sorted(pathlib.Path(photos).iterdir())
network = build.build_model(ARCHITECTURE, dataclasses.replace(FC, weights=weights), len(folders))
# The last layer tells the breeds by the means of the features, as if they spread alike.
last = next(layer for layer in reversed(network.layers) if layer.get_weights())
features = keras.Model(network.input, last.input)
means = []
for folder in folders:
    images = np.stack([decode_file(file) for file in sorted(folder.glob("*.jpg"))[:12]])
    means.append(features.predict_on_batch(images).mean(axis=0))
means = np.array(means)
last.set_weights([0.05 * means.T, -0.025 * (means**2).sum(axis=1)])
network.export(path, format="litert")
card = {"class_names": [folder.name for folder in folders], "dataset": "dogs"}
model_file.add_card(pathlib.Path(path), card)
"""


def photos_of(split: str) -> list[Path]:
    """The dogs' photos of a split, by breed."""
    if "SENTIMENT_SHARED" not in os.environ:
        lacking("SENTIMENT_SHARED is not set")
    return sorted((Path(os.environ["SENTIMENT_SHARED"]) / "data" / "dogs" / split).rglob("*.jpg"))


@pytest.fixture(scope="session")
def dogs_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNetV2 that tells three breeds apart, exported."""
    train = photos_of("train")[0].parents[1]
    weights = train.parents[2] / "weights" / "mobilenet_v2_imagenet_no_top.weights.h5"
    name = "fc_layers_mobilenet.tflite"

    def export(folder: Path) -> None:
        script = folder / "export.py"
        script.write_text(EXPORT)
        done = warm.run([script, ROOT / "src", weights, train, folder / name], dict(os.environ))
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "dogs_model", export) / name


@pytest.fixture(scope="session")
def dogs_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of one breed, five test photos for half a second each, as MJPEG."""

    def write(folder: Path) -> None:
        photos = [file for file in photos_of("test") if file.parent.name == BREED]
        with (folder / "dogs.mjpeg").open("wb") as video:
            for file in photos[:5]:
                frame = io.BytesIO()
                Image.open(file).convert("RGB").resize((640, 480)).save(frame, "JPEG")
                video.write(15 * frame.getvalue())

    return made_once(tmp_path_factory, "dogs_video", write) / "dogs.mjpeg"
