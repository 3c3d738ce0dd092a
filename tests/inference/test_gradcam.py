"""Grad-CAM against its formula, on the backends that training runs on."""

import sys
from pathlib import Path

import pytest
from helpers.scripts import SRC, start

pytestmark = pytest.mark.slow

# After pooling, the slope of a class's score along a feature is that class's weight for it, so the
# map is the weighted sum of the features. Without pooling, the head sees every place apart.
CHECK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import keras
import numpy as np
from PIL import Image
from sentiment.inference import gradcam
from sentiment.model import model_file

keras.utils.set_random_seed(1)
photos = np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3), np.uint8)
classes = np.array([2, 0])
for pooled in (True, False):
    x = inputs = keras.Input((224, 224, 3))
    x = features = keras.layers.Conv2D(4, 32, strides=32, activation="relu")(x)
    if pooled:
        x = keras.layers.GlobalAveragePooling2D()(x)
    backbone = keras.Model(inputs, x, name="backbone")
    layers = [keras.Input(backbone.output_shape[1:])]
    layers += [] if pooled else [keras.layers.Flatten()]
    layers += [keras.layers.Dense(3, activation="softmax")]
    head = keras.Sequential(layers, name="head")
    image = keras.Input((224, 224, 3), dtype="uint8")
    model = keras.Model(image, head(backbone(keras.layers.Rescaling(1 / 255)(image))))
    file = Path(sys.argv[2]) / "model.keras"
    model_file.save(model, file, {})
    heat = gradcam.heat(file, photos, classes)

    maps = keras.Model(inputs, features).predict(photos / 255, verbose=0)
    kernel = head.layers[-1].get_weights()[0]
    for one, place, label in zip(heat, maps, classes):
        slope = kernel[:, label] if pooled else kernel[:, label].reshape(7, 7, 4).mean(axis=(0, 1))
        wanted = Image.fromarray(np.maximum(place @ slope, 0).astype(np.float32))
        wanted = np.asarray(wanted.resize((224, 224), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(one, wanted / max(wanted.max(), 1e-9), atol=1e-4)
    assert heat.max() == 1

# Of a transformer, the slope is that along what the last attention takes; here by differences.
inputs = keras.Input((224, 224, 3))
tokens = keras.layers.Reshape((16, 56 * 56 * 3))(keras.layers.Rescaling(0.01)(inputs))
tokens = keras.layers.Dense(8)(keras.layers.ZeroPadding1D((1, 0))(tokens))
normal = keras.layers.LayerNormalization()(tokens)
mixed = keras.layers.Add()([tokens, keras.layers.MultiHeadAttention(2, 4)(normal, normal)])
token = keras.layers.Flatten()(keras.layers.Cropping1D((0, 16))(mixed))
backbone = keras.Model(inputs, token, name="backbone")
layers = [keras.Input((8,)), keras.layers.Dense(3, activation="softmax")]
head = keras.Sequential(layers, name="head")
image = keras.Input((224, 224, 3), dtype="uint8")
model = keras.Model(image, head(backbone(keras.layers.Rescaling(1 / 255)(image))))
model_file.save(model, file, {})
heat = gradcam.heat(file, photos, classes)
placed, beside = keras.Model(inputs, [normal, tokens]).predict(photos / 255, verbose=0)
rest = keras.Model([normal, tokens], token)
kernel, bias = head.layers[-1].get_weights()
steps = 0.05 * np.eye(8, dtype="f4")[:, None, None]
score = lambda step: (rest.predict([placed + step, beside], verbose=0) @ kernel)[[0, 1], classes]
slopes = np.stack([score(step) - score(-step) for step in steps], axis=1)
for one, features, slope in zip(heat, placed, slopes):
    wanted = np.maximum(features[1:] @ slope, 0).reshape(4, 4).astype(np.float32)
    wanted = np.asarray(Image.fromarray(wanted).resize((224, 224), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(one, wanted / max(wanted.max(), 1e-9), atol=2e-2)
assert heat.max() == 1
print("the same")
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_map_is_grad_cams(backend: str, tmp_path: Path) -> None:
    done = start(sys.executable, "-c", CHECK, SRC, tmp_path, KERAS_BACKEND=backend)
    assert done.stdout == "the same\n", done.stdout + done.stderr
