"""A copy of the checkout with one more network, so small that whole runs take seconds."""

import shutil
from pathlib import Path

from helpers.scripts import ROOT
from sentiment.model.recipe import Architecture

NAME = "tinynet"

ARCHITECTURE = '''"""A few layers, among them batch normalisation and dropout."""

import keras
from keras import layers

from sentiment.model.recipe import Architecture, Recipe


def build(weights, classes, side):
    image, features = keras.Input((side, side, 3)), keras.Input((8,))
    few = layers.AveragePooling2D(16)(image)
    seen = layers.BatchNormalization()(layers.Conv2D(8, 3, activation="relu")(few))
    hidden = layers.Dropout(0.5)(layers.Dense(16, activation="relu")(features))
    return (
        keras.Model(image, layers.GlobalAveragePooling2D()(seen)),
        keras.Model(features, layers.Dense(classes, activation="softmax")(hidden)),
    )


ARCHITECTURE = Architecture("tinynet", "Tinynet", preprocessing="tf", build=build)
FC = Recipe(layers="fc", weights="none", batch_size=16)
ALL = Recipe(layers="all", weights="none", batch_size=16)
'''


def architecture(dropout: float = 0.5) -> Architecture:
    """The small network, for this process."""
    written: dict = {}
    exec(ARCHITECTURE.replace("Dropout(0.5)", f"Dropout({dropout})"), written)
    return written["ARCHITECTURE"]


def make(folder: Path) -> Path:
    """Copy the checkout's code into a folder, with the small network; return the network's."""
    for part in ("src", "scripts"):
        ignore = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    network = folder / "src" / NAME
    shutil.copytree(folder / "src" / "mobilenet", network)
    for path in list(network.iterdir()):
        path.write_text(path.read_text().replace("mobilenet", NAME))
        path.rename(path.with_name(path.name.replace("mobilenet", NAME)))
    (network / "architecture.py").write_text(ARCHITECTURE)
    return network
