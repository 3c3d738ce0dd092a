"""A Keras model in the formats that run without Keras: how each is written, read and run.

All take uint8 RGB photos (n, side, side, 3), named `image`, and give float32 probabilities
(n, classes), named `probabilities`; n is free.
"""

import errno
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sentiment.base import files, native_output
from sentiment.base.progress import progress
from sentiment.model import model_file
from sentiment.runs.run_files import Ending

if TYPE_CHECKING:
    import keras
    from tf2onnx.graph import Graph, Node

Predict = Callable[[np.ndarray], np.ndarray]
"""From photos, uint8 (n, side, side, 3), to probabilities, float32 (n, classes)."""


@dataclass(frozen=True)
class Original:
    """The model that the formats are made from."""

    network: "keras.Model"
    """The model in Keras; it computes in float32."""
    saved_model: Path
    """The model as TensorFlow's SavedModel."""
    calibration: np.ndarray
    """Training photos, uint8 (n, side, side, 3), which show the range of every activation."""


@dataclass(frozen=True)
class Format:
    """One way to write a model."""

    title: str
    """Its name in text."""
    ending: Ending
    packages: tuple[str, ...]
    """Packages, as pip calls them, that writing and checking it needs beside TensorFlow."""
    quantised: bool
    """Whether it computes in 8 bits."""
    whole: Callable[[Path], AbstractContextManager[Path]]
    """Makes the file or folder appear whole or not at all."""
    write: Callable[[Original, Path], None]
    """Writes the model to a path."""
    add_card: Callable[[Path, dict], None]
    """Puts the run's manifest into the file or folder at a path."""
    load: Callable[[Path, int], Predict]
    """Loads the file or folder at a path, to predict with a number of CPU threads."""

    def beside(self, model: Path) -> Path:
        """Where a model, given by its `.keras` file, is written in this format."""
        return model.with_name(model.stem + self.ending)


def in_float32(network: "keras.Model") -> "keras.Model":
    """Let a network that was trained in mixed precision compute in float32, as its weights are."""
    for layer in network._flatten_layers():
        if layer.dtype_policy.name.startswith("mixed"):
            layer.dtype_policy = "float32"
    return network


def write_saved_model(network: "keras.Model", folder: Path) -> None:
    """Write TensorFlow's SavedModel, from which LiteRT's formats are made too.

    Keras' own ExportArchive writes every weight twice.

    Raises:
        OSError: the disk is full.
    """
    import tensorflow as tf

    module = tf.Module()
    module.weights = [weight.value for weight in network.weights]
    module.serve = tf.function(
        lambda image: {"probabilities": network(image, training=False)},
        input_signature=[tf.TensorSpec(network.input_shape, tf.uint8, name="image")],
        autograph=False,
    )
    try:
        tf.saved_model.save(module, str(folder), {"serving_default": module.serve})
    except tf.errors.ResourceExhaustedError:  # TensorFlow's name for a full disk
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from None


def _write_litert(original: Original, path: Path) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(original.saved_model))
    path.write_bytes(converter.convert())


def _write_int8(original: Original, path: Path) -> None:
    """Quantise weights and activations to 8 bits.

    The softmax stays in float: in 8 bits every probability would be a multiple of 1/256.
    """
    import tensorflow as tf

    def calibration() -> Iterator[list[np.ndarray]]:
        with progress("calibrating", len(original.calibration)) as advance:
            for image in original.calibration:
                yield [image[np.newaxis]]
                advance(1)

    converter = tf.lite.TFLiteConverter.from_saved_model(str(original.saved_model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=["SOFTMAX"])
    with native_output.without_lines(b"fully_quantize: "), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it opens TensorFlow's own interpreter
        quantiser = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=calibration, debug_options=options
        )
        quantised = quantiser.get_nondebug_quantized_model()
    path.write_bytes(quantised)


def _load_litert(path: Path, threads: int) -> Predict:
    from sentiment.inference.litert import LitertModel

    return LitertModel(path, threads).predict


def _write_onnx(original: Original, path: Path) -> None:
    """Convert a function of photos and weights, and put the weights' values in afterwards.

    tf2onnx copies all that it holds in every step: with VGG19's values, more than 20 GB.
    """
    import keras
    import onnx
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    network, weights = original.network, original.network.weights

    @tf.function(autograph=False)
    def serve(image: "tf.Tensor", *values: "tf.Tensor") -> dict[str, "tf.Tensor"]:
        with keras.StatelessScope(state_mapping=zip(weights, values, strict=True)):
            return {"probabilities": network(image, training=False)}

    image = tf.TensorSpec(network.input_shape, tf.uint8, name="image")
    places = [tf.TensorSpec(weight.shape, weight.dtype, name=weight.path) for weight in weights]
    handlers: dict = {"Erfc": (_without_erfc, [])}
    model, _ = tf2onnx.convert.from_function(serve, [image, *places], custom_op_handlers=handlers)
    graph = model.graph
    for place, weight in zip(graph.input[1:], weights, strict=True):
        graph.initializer.append(onnx.numpy_helper.from_array(weight.numpy(), place.name))
    del graph.input[1:]
    for tensor in (*graph.input, *graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "n"
    onnx.save(model, path)

    # ONNX Runtime computes what hangs on weights alone, and writes the model again.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _without_erfc(graph: "Graph", node: "Node", name: str, _: object) -> None:
    """Put 1 - erf(x), which ONNX knows, in the place of erfc(x), by which Keras computes GELU."""
    shapes, kinds = node.output_shapes, node.output_dtypes
    erf = graph.make_node("Erf", node.input, shapes=shapes, dtypes=kinds)
    one = graph.make_const(f"{name}_one", np.ones((), np.float32))
    graph.remove_node(name)
    graph.make_node(
        "Sub", [one.output[0], erf.output[0]], outputs=node.output, shapes=shapes, dtypes=kinds
    )


def _add_onnx_card(path: Path, card: dict) -> None:
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {model_file.CARD: json.dumps(card)})
    onnx.save(model, path)


def _load_onnx(path: Path, threads: int) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["probabilities"], {"image": images})[0]


def _copy_saved_model(original: Original, folder: Path) -> None:
    shutil.copytree(original.saved_model, folder, dirs_exist_ok=True)


def _add_saved_model_card(folder: Path, card: dict) -> None:
    files.write_json(folder / "assets.extra" / model_file.CARD, card)


def _load_saved_model(folder: Path, threads: int) -> Predict:
    """Load a SavedModel; TensorFlow takes every core, whatever `threads` says."""
    import tensorflow as tf

    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return lambda images: serve(image=tf.constant(images))["probabilities"].numpy()


FormatName = Literal["litert", "int8", "onnx", "saved-model"]
"""What a command line calls the formats."""

FORMATS: dict[FormatName, Format] = {
    "litert": Format(
        title="LiteRT float32",
        ending=Ending.LITERT,
        packages=("ai-edge-litert",),
        quantised=False,
        whole=files.whole_file,
        write=_write_litert,
        add_card=model_file.add_card,
        load=_load_litert,
    ),
    "int8": Format(
        title="LiteRT int8",
        ending=Ending.LITERT_INT8,
        packages=("ai-edge-litert",),
        quantised=True,
        whole=files.whole_file,
        write=_write_int8,
        add_card=model_file.add_card,
        load=_load_litert,
    ),
    "onnx": Format(
        title="ONNX",
        ending=Ending.ONNX,
        packages=("tf2onnx", "onnxruntime"),
        quantised=False,
        whole=files.whole_file,
        write=_write_onnx,
        add_card=_add_onnx_card,
        load=_load_onnx,
    ),
    "saved-model": Format(
        title="SavedModel",
        ending=Ending.SAVED_MODEL,
        packages=(),
        quantised=False,
        whole=files.whole_folder,
        write=_copy_saved_model,
        add_card=_add_saved_model_card,
        load=_load_saved_model,
    ),
}
