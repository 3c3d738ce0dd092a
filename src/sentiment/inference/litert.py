"""An exported model at work: a `.tflite` file run by LiteRT, without TensorFlow or Keras."""

from functools import cached_property
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from sentiment.base import native_output
from sentiment.base.errors import UserError, first_line
from sentiment.model import model_file

DELEGATE_NOTE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
"""LiteRT prints it when the first model of a process gets its memory; no setting stops that."""


class LitertModel:
    """A model that `scripts/export_model.py` wrote, loaded once; for one thread at a time.

    Args:
        path: the `.tflite` file; its weights are mapped into memory, not copied.
        num_threads: CPU threads that share the work of one call.

    Raises:
        UserError: the file is missing, damaged or no such model.
    """

    def __init__(self, path: Path, num_threads: int = 1):
        self._path = path
        try:
            self._interpreter = Interpreter(str(path), num_threads=num_threads)
            with native_output.without_lines(DELEGATE_NOTE):
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise UserError(f"{path}: damaged ({first_line(error)}); export it again") from None
        image = self._interpreter.get_input_details()[0]
        self._input = image["index"]
        self.side = int(image["shape"][1])
        """Width and height of the photos that it takes."""
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._batch = 1

    @cached_property
    def card(self) -> dict:
        """The run's manifest, with `class_names`, and under "export" how this file was made."""
        return model_file.read_card(self._path)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (n, classes), of uint8 RGB photos (n, side, side, 3), n > 0."""
        if len(images) != self._batch:
            self._interpreter.resize_tensor_input(self._input, images.shape, strict=True)
            self._interpreter.allocate_tensors()
            self._batch = len(images)
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)
