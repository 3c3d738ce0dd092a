"""Vision Transformers and ConvNeXt compute what those of PyTorch do with the same weights."""

import dataclasses
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
import transformers
from helpers.scripts import SRC, start
from torch import nn

from convnext import architecture as convnext
from sentiment.base.errors import UserError
from sentiment.data.decode import decode_file
from sentiment.model import networks
from sentiment.model.build import build_model, without_head
from sentiment.model.recipe import Architecture
from vit import architecture as vit
from vit import pytorch_state

pytestmark = pytest.mark.slow

SIDE, BLOCKS = 96, 2
SMALL = vit.Size("ViT-small/16", 16, 128, BLOCKS)
ARCHITECTURE = Architecture("small", "ViT-small/16", "tf", vit.builder(SMALL), pytorch="tf")

VIT = {
    "torchvision": {
        "embeddings.cls_token": "class_token", "embeddings.position_e": "encoder.pos_e",
        "embeddings.patch_embeddings.projection": "conv_proj", "_embeddings": "_embedding",
        "layers.": "encoder.layers.encoder_layer_", "layernorm_before": "ln_1",
        "layernorm_after": "ln_2", "attention.o_proj": "self_attention.out_proj",
        "attention.qkv.": "self_attention.in_proj_", "mlp.fc1": "mlp.0", "mlp.fc2": "mlp.3",
        "layernorm": "encoder.ln", "classifier": "heads.head",
    },
    "timm": {
        "embeddings.cls_token": "cls_token", "embeddings.position_embeddings": "pos_embed",
        "embeddings.patch_embeddings.projection": "patch_embed.proj", "layers.": "blocks.",
        "layernorm_before": "norm1", "layernorm_after": "norm2", "attention.o_proj": "attn.proj",
        "attention.qkv": "attn.qkv", "layernorm": "norm", "classifier": "head",
    },
}  # fmt: skip
"""What the names in `transformers` are in each form, replaced one after the other."""


def randomised(network: nn.Module) -> nn.Module:
    """The network with numbers in all of its arrays that tell them apart, for inference."""
    random = torch.Generator().manual_seed(1)
    for name, array in network.state_dict().items():
        if array.ndim > 1 and not name.endswith(("cls_token", "position_embeddings")):
            array.normal_(0, array[0].numel() ** -0.5, generator=random)
        else:
            array.normal_(0.3, 0.2, generator=random)
    return network.eval()


@pytest.fixture(scope="module")
def small_vit() -> nn.Module:
    config = transformers.ViTConfig(
        hidden_size=SMALL.width, num_hidden_layers=BLOCKS, num_attention_heads=2,
        intermediate_size=4 * SMALL.width, image_size=SIDE, layer_norm_eps=1e-6,
    )  # fmt: skip
    return randomised(transformers.ViTModel(config, add_pooling_layer=False))


def state_of_vit(network: nn.Module, form: str) -> dict[str, torch.Tensor]:
    """Its arrays by the names of torchvision or timm, and a layer of classes."""
    given = {**network.state_dict()}
    for name in [name for name in given if ".q_proj." in name]:
        split = [given.pop(name.replace("q_proj", f"{x}_proj")) for x in "qkv"]
        given[name.replace("q_proj", "qkv")] = torch.cat(split)
    state = {}
    for name, array in (given | {"classifier.weight": torch.ones(9, SMALL.width)}).items():
        for ours, theirs in VIT[form].items():
            name = name.replace(ours, theirs)
        state[name] = array
    return state


def photos(shared: Path) -> np.ndarray:
    files = sorted((shared / "data" / "dogs").rglob("*.jpg"))[:2]
    return np.stack([decode_file(photo, SIDE) for photo in files])


def as_torch(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32).transpose(0, 3, 1, 2).copy())


def standardised(images: np.ndarray) -> np.ndarray:
    return (images / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])


def features(architecture: Architecture, file: Path, images: np.ndarray) -> np.ndarray:
    recipe = dataclasses.replace(vit.FC, weights=str(file))
    network = without_head(build_model(architecture, recipe, 3, side=images.shape[1]))
    return network.predict_on_batch(images)


@pytest.mark.parametrize("form", VIT)
def test_a_vision_transformer_computes_what_pytorchs_does(
    form: str, small_vit: nn.Module, shared: Path, tmp_path: Path
) -> None:
    images = photos(shared)
    torch.save(state_of_vit(small_vit, form), tmp_path / "vit.pth")
    pixels = images / 127.5 - 1 if form == "timm" else standardised(images)
    with torch.no_grad():
        expected = small_vit(as_torch(pixels)).last_hidden_state[:, 0].numpy()
    assert expected.std(axis=0).max() > 0.05  # the photos are told apart
    ours = features(ARCHITECTURE, tmp_path / "vit.pth", images)
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_embeddings_of_places_are_made_for_another_side_as_timm_makes_them() -> None:
    given = np.random.default_rng(1).normal(size=(36, 5)).astype(np.float32)
    for grid in (4, 6, 14):
        expected = nn.functional.interpolate(
            torch.from_numpy(given.reshape(1, 6, 6, 5).transpose(0, 3, 1, 2).copy()),
            size=(grid, grid), mode="bicubic", antialias=True, align_corners=False,
        ).numpy()  # fmt: skip
        ours = pytorch_state._resized(given, grid).reshape(grid, grid, 5)
        np.testing.assert_allclose(ours.transpose(2, 0, 1), expected[0], atol=1e-5)


def test_a_published_state_is_taken_at_another_side(small_vit: nn.Module, tmp_path: Path) -> None:
    """Such a file has older names of the dense layers, and was made by hand as `weights_only`."""
    state = state_of_vit(small_vit, "torchvision")
    renamed = {
        name.replace("mlp.0", "mlp.linear_1").replace("mlp.3", "mlp.linear_2"): array
        for name, array in state.items()
    }
    images = np.random.default_rng(1).integers(0, 256, (1, 128, 128, 3), np.uint8)
    made = []
    for number, form in enumerate((state, renamed)):
        torch.save(form, tmp_path / f"{number}.pth")
        made.append(features(ARCHITECTURE, tmp_path / f"{number}.pth", images))
    np.testing.assert_array_equal(*made)


def test_a_vision_transformer_of_another_kind_is_refused(
    small_vit: nn.Module, tmp_path: Path
) -> None:
    state, file = state_of_vit(small_vit, "timm"), tmp_path / "other.pth"
    for change, reason in {
        ("norm_pre.weight", (128,)): "it has norm_pre.weight, which is not of this network",
        ("pos_embed", (1, 36, 128)): "it has embeddings of 35 places, which are no square",
        ("blocks.1.attn.qkv.bias", None): "it has no blocks.1.attn.qkv.bias",
        ("patch_embed.proj.weight", (128, 3, 32, 32)): "has the shape (128, 3, 32, 32); expected",
    }.items():
        name, shape = change
        changed = {**state, name: torch.zeros(shape or ())}
        if shape is None:
            del changed[name]
        torch.save(changed, file)
        with pytest.raises(UserError, match=re.escape(reason)):
            features(ARCHITECTURE, file, np.zeros((1, SIDE, SIDE, 3), np.uint8))
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(UserError, match=r"not ViT-small/16's weights \(.*no PyTorch file that can"):
        features(ARCHITECTURE, file, np.zeros((1, SIDE, SIDE, 3), np.uint8))


def test_where_weights_are_published_is_looked_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = dataclasses.replace(vit.FC, weights="imagenet")
    with pytest.raises(UserError, match=r"ViT-Ti/16's ImageNet weights .*torchvision publishes no"):
        build_model(networks.named("vit-ti16").architecture, recipe, 3, side=SIDE)
    file = tmp_path / "made-01234567.pth"
    file.write_bytes(b"of others")
    monkeypatch.setattr(keras.utils, "get_file", lambda *words, **more: str(file))
    made = dataclasses.replace(ARCHITECTURE, build=vit.builder(SMALL._replace(published=file.name)))
    with pytest.raises(UserError, match=r"SHA-256 does not begin with 01234567; remove it"):
        build_model(made, recipe, 3, side=SIDE)


STAGE = {
    "timm": [
        (r"embeddings\.patch_embeddings", "stem.0"), (r"embeddings\.layernorm", "stem.1"),
        (r"encoder\.stages\.(\d)\.layers\.(\d+)", r"stages.\1.blocks.\2"),
        (r"encoder\.(.*)downsampling_layer", r"\1downsample"), (r"layer_scale_parameter", "gamma"),
        (r"dwconv", "conv_dw"), (r"(\d)\.layernorm", r"\1.norm"), (r"pwconv", "mlp.fc"),
        (r"^layernorm", "head.norm"),
    ],
    "torchvision": [
        (r"embeddings\.patch_embeddings", "features.0.0"),
        (r"embeddings\.layernorm", "features.0.1"),
        (r"encoder\.stages\.(\d)\.layers", lambda at: f"features.{2 * int(at[1]) + 1}"),
        (r"encoder\.stages\.(\d)\.downsampling_layer", lambda at: f"features.{2 * int(at[1])}"),
        (r"layer_scale_parameter", "layer_scale"), (r"dwconv", "block.0"),
        (r"(\d)\.layernorm", r"\1.block.2"), (r"pwconv1", "block.3"), (r"pwconv2", "block.5"),
        (r"^layernorm", "classifier.0"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def convnext_tiny() -> nn.Module:
    return randomised(transformers.ConvNextModel(transformers.ConvNextConfig()))


def state_of_convnext(network: nn.Module, form: str) -> dict[str, torch.Tensor]:
    """Its arrays by the names of torchvision or timm, without a layer of classes."""
    state = {}
    for name, array in network.state_dict().items():
        for pattern, replaced in STAGE[form]:
            name = re.sub(pattern, replaced, name)
        state[name] = array[:, None, None] if name.endswith("layer_scale") else array
    return state


@pytest.mark.parametrize("form", STAGE)
def test_convnext_computes_what_pytorchs_does(
    form: str, convnext_tiny: nn.Module, shared: Path, tmp_path: Path
) -> None:
    state = {}
    for name, array in convnext_tiny.state_dict().items():
        for pattern, replaced in STAGE[form]:
            name = re.sub(pattern, replaced, name)
        state[name] = array[:, None, None] if name.endswith("layer_scale") else array
    torch.save(state, tmp_path / "convnext.pth")
    images = photos(shared)
    with torch.no_grad():
        expected = convnext_tiny(as_torch(standardised(images))).pooler_output.numpy()
    assert expected.std(axis=0).max() > 0.05
    ours = features(convnext.ARCHITECTURE, tmp_path / "convnext.pth", images)
    np.testing.assert_allclose(ours, expected, atol=1e-4)


CHECK = """
import dataclasses, sys
import keras
import numpy as np
from convnext import architecture as convnext
from vit import architecture as vit
from sentiment.model import model_file
from sentiment.model.build import build_model, without_head
from sentiment.model.recipe import Architecture

size = vit.Size("ViT-small/16", 16, 128, 2)
small = Architecture("small", "Small", "tf", vit.builder(size), pytorch="tf")
for name, architecture in {"vit": small, "convnext": convnext.ARCHITECTURE}.items():
    given = np.load(f"{sys.argv[1]}/{name}.npz")
    images = given["images"]
    recipe = dataclasses.replace(vit.ALL, weights=f"{sys.argv[1]}/{name}.pth")
    network = build_model(architecture, recipe, 3, side=images.shape[1])
    features = without_head(network).predict_on_batch(images)
    np.testing.assert_allclose(features, given["features"], atol=1e-4)
    if name == "vit" or keras.backend.backend() == "torch":  # JAX compiles ConvNeXt for 30 s
        network.compile("adam", "sparse_categorical_crossentropy")
        assert np.isfinite(network.train_on_batch(images, np.array([0, 2])))
    model_file.save(network, model_file.Path(sys.argv[1], "saved.keras"), {})
    saved = model_file.load(model_file.Path(sys.argv[1], "saved.keras"))
    expected = network.predict_on_batch(images)
    np.testing.assert_allclose(saved.predict_on_batch(images), expected, atol=1e-6)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_both_compute_the_same_and_are_saved_without_tensorflow(
    backend: str, small_vit: nn.Module, convnext_tiny: nn.Module, shared: Path, tmp_path: Path,
    without_tensorflow: dict[str, str],
) -> None:  # fmt: skip
    images = photos(shared)
    with torch.no_grad():
        tokens = small_vit(as_torch(images / 127.5 - 1)).last_hidden_state
        pooled = convnext_tiny(as_torch(standardised(images))).pooler_output
    torch.save(state_of_vit(small_vit, "timm"), tmp_path / "vit.pth")
    torch.save(state_of_convnext(convnext_tiny, "timm"), tmp_path / "convnext.pth")
    np.savez(tmp_path / "vit.npz", images=images, features=tokens[:, 0])
    np.savez(tmp_path / "convnext.npz", images=images, features=pooled)
    path = f"{SRC}:{without_tensorflow['PYTHONPATH']}"
    done = start(sys.executable, "-c", CHECK, tmp_path, KERAS_BACKEND=backend, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
