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
print("the same")
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_map_is_grad_cams(backend: str, tmp_path: Path) -> None:
    done = start(sys.executable, "-c", CHECK, SRC, tmp_path, KERAS_BACKEND=backend)
    assert done.stdout == "the same\n", done.stdout + done.stderr
