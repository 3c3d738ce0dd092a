"""Batch normalisation by one kernel learns what Keras' own layer learns."""

import sys

import pytest
from helpers.scripts import SRC, start

# The last batch of an epoch may be one image, whose features may be one place.
CHECK = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from sentiment.engine import backend
backend.start(1)
import keras
from keras import layers
from sentiment.engine import fused_batch_norm

def trained(fused, images, scale):
    keras.utils.set_random_seed(1)
    hidden = inputs = keras.Input((8, 8, 3))
    for settings in ({"axis": 3, "scale": scale, "center": scale}, {"epsilon": 1e-5}):
        hidden = layers.Conv2D(6, 3, strides=3, padding="same", activation="relu")(hidden)
        hidden = layers.BatchNormalization(**settings)(hidden)
    backbone = keras.Model(inputs, layers.GlobalAveragePooling2D()(hidden), name="backbone")
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(backbone(image)))
    if fused:
        fused_batch_norm.fuse(model)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    photos = np.random.default_rng(2).random((images, 8, 8, 3), np.float32)
    losses = [model.train_on_batch(photos, np.arange(images) % 3) for _ in range(3)]
    same = keras.models.clone_model(model)
    same.set_weights(model.get_weights())
    assert (same.predict(photos, verbose=0) == model.predict(photos, verbose=0)).all()
    calls = [layer for layer in backbone.layers if "call" in vars(layer)]
    assert len(calls) == 2 * fused, calls
    return [np.array(losses), *model.get_weights()]

for images, scale in ((5, True), (1, False)):
    pairs = [trained(fused, images, scale) for fused in (False, True)]
    for theirs, ours in zip(*pairs, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert any((a != b).any() for a, b in zip(*pairs, strict=True)), "one kernel was not used"
print("the same")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_one_kernel_learns_what_keras_own_layer_learns(backend: str) -> None:
    done = start(sys.executable, "-c", CHECK, SRC, KERAS_BACKEND=backend)
    assert done.stdout.endswith("the same\n"), done.stdout + done.stderr
