"""A model's file: damage is found, and a file from elsewhere runs no code."""

import json
import random
import zipfile
from pathlib import Path
from typing import NoReturn

import keras
import pytest

from sentiment.base.errors import UserError
from sentiment.model import model_file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A sealed model's file."""
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model_file.save(network, tmp_path / "model.keras", {"class_names": ["a", "b", "c"]})
    return tmp_path / "model.keras"


def test_every_flipped_bit_of_a_model_is_found(model: Path) -> None:
    model_file.load(model)
    whole, seed = model.read_bytes(), random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    for place in random.Random(seed).sample(range(8 * len(whole)), 200):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        model.write_bytes(flipped)
        with pytest.raises(UserError, match=r"model\.keras: damaged"):
            model_file.load(model)


@pytest.mark.parametrize("layer", [
    {"module": "keras.layers", "class_name": "Lambda", "config": {
        "name": "trap", "function": {"class_name": "__lambda__", "config": {
            "code": "4wAAAAA=", "defaults": None, "closure": None}}}},
    {"module": "os", "class_name": "system", "config": "touch sprung"},
])  # fmt: skip
def test_a_model_from_elsewhere_runs_no_code(layer: dict, model: Path) -> None:
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"].append(layer)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(model, "w") as archive:
        for name, content in members.items():
            if name != model_file.CARD:
                archive.writestr(name, content)
    model_file.add_card(model, {})
    with pytest.raises(UserError, match=r"model\.keras: whole, but Keras \S+ cannot load it \("):
        model_file.load(model)
    assert not Path("sprung").exists()


def test_a_whole_model_that_this_keras_cannot_load_names_the_one_that_saved_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **more: object) -> NoReturn:
        raise TypeError("<class 'Functional'> could not be deserialized properly.\n\nconfig=...")

    monkeypatch.setattr(keras.saving, "load_model", refuse)
    here = keras.version()
    for saved_by, remedy in {"3.99": "install Keras 3.99, which saved it, or ", here: ""}.items():
        network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model_file.save(network, model, {"versions": {"keras": saved_by}})
        with pytest.raises(UserError) as refused:
            model_file.load(model)
        assert str(refused.value) == (
            f"{model}: whole, but Keras {here} cannot load it (<class 'Functional'> could not be "
            f"deserialized properly.); {remedy}train it again"
        )
