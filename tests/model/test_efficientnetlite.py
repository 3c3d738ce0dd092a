"""EfficientNet-Lite0 computes what its original in PyTorch does."""

import sys
from pathlib import Path

import pytest
from helpers.scripts import SRC, start

COMPARE = """
import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

from efficientnetlite.architecture import ARCHITECTURE, FC, imagenet_file
from sentiment.data.decode import decode_file
from sentiment.model.build import build_model, without_head
from sentiment.model.torch_file import read_tensors

photos = np.stack([decode_file(file) for file in sorted(Path(sys.argv[1]).rglob("*.jpg"))[::30]])
state = torch.load(imagenet_file(), weights_only=True)
tensors = read_tensors(imagenet_file())
assert tensors.keys() == state.keys()
assert all(np.array_equal(tensors[name], state[name].numpy()) for name in state)
original = EfficientNet.from_name("efficientnet-lite0")
original.load_state_dict(state)
original.eval()
with torch.no_grad():
    inputs = torch.from_numpy(((photos.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2))
    expected = original.extract_features(inputs).mean((2, 3)).numpy()
    breeds = set(original(inputs).argmax(1).tolist())
assert {162, 250, 265} <= breeds  # beagle, husky, toy poodle
network = without_head(build_model(ARCHITECTURE, FC, 3))
np.testing.assert_allclose(network.predict(photos, verbose=0), expected, atol=1e-4)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_efficientnet_lite0_computes_what_the_original_does(
    backend: str, shared: Path, without_tensorflow: dict[str, str]
) -> None:
    """On JAX and PyTorch also where TensorFlow is not installed."""
    path = str(SRC)
    if backend != "tensorflow":
        path += f":{without_tensorflow['PYTHONPATH']}"
    settings = {"KERAS_BACKEND": backend, "PYTHONPATH": path}
    done = start(sys.executable, "-c", COMPARE, shared / "data" / "dogs", **settings)
    assert done.returncode == 0, done.stderr
