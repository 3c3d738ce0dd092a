"""Every network's architecture, as its folder under src/ states it."""

import dataclasses
import importlib
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
from helpers.scripts import NETWORKS, SMALLEST

from sentiment.base.errors import UserError
from sentiment.model import networks
from sentiment.model.build import build_model
from sentiment.model.recipe import Architecture


def architecture_of(network: str) -> ModuleType:
    return importlib.import_module(f"{network}.architecture")


def smallest(network: str) -> Architecture:
    variant = SMALLEST.get(network)
    return networks.named(f"{network}-{variant}" if variant else network).architecture


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_penalises_what_it_says(network: str) -> None:
    module = architecture_of(network)
    assert module.ARCHITECTURE.name == network
    side = max(smallest(network).sides[0], 96)
    for recipe in (module.FC, module.ALL):
        recipe = dataclasses.replace(recipe, weights="none")
        built = build_model(smallest(network), recipe, 3, side=side)
        learning_kernels = [w for w in built.trainable_weights if w.path.endswith("kernel")]
        assert len(built.losses) == (len(learning_kernels) if recipe.weight_decay else 0)


@pytest.mark.slow
@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "mobilenet"])
def test_weights_of_another_network_are_refused(network: str, weights: Path) -> None:
    architecture = smallest(network)
    recipe = dataclasses.replace(architecture_of(network).FC, weights=str(weights))
    with pytest.raises(UserError, match=f"--weights {weights}: not {architecture.title}'s"):
        build_model(architecture, recipe, 3)


@pytest.mark.slow
def test_vgg19_takes_fc6_and_fc7_from_weights_with_the_top(tmp_path) -> None:
    from vgg19.architecture import ARCHITECTURE

    original = keras.applications.VGG19(weights=None)
    original.save_weights(tmp_path / "vgg19.weights.h5")
    backbone, head = ARCHITECTURE.build(str(tmp_path / "vgg19.weights.h5"), 3, 224)
    for name, original_name in {"fc6": "fc1", "fc7": "fc2"}.items():
        for a, b in zip(
            head.get_layer(name).get_weights(),
            original.get_layer(original_name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)
    assert backbone.output_shape == (None, 7, 7, 512)
