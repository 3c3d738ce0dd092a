"""The moving average of the weights (EMA): what is validated and kept in their place."""

import keras
import numpy as np

from sentiment.signals import Deferred


class Average(keras.callbacks.Callback):
    """Puts the optimiser's average into the model from validation until the best is kept.

    To stand after early stopping and before checkpoints, which hold the weights that learn.
    Keras' own SwapEMAWeights adds and subtracts them on TensorFlow, which changes their last bits.

    Args:
        pending: signals that were put off.
    """

    def __init__(self, pending: Deferred):
        super().__init__()
        self.pending = pending
        self._learning: list[np.ndarray] = []

    def on_test_begin(self, logs: dict | None = None) -> None:
        weights = self.model.trainable_variables
        self._learning = [keras.ops.convert_to_numpy(weight).copy() for weight in weights]
        self.model.optimizer.finalize_variable_values(weights)

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.pending:
            self._put_back()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._put_back()

    def on_train_end(self, logs: dict | None = None) -> None:
        self._put_back()  # for Keras leaves the average, and training may go on

    def _put_back(self) -> None:
        for weight, value in zip(self.model.trainable_variables, self._learning, strict=True):
            weight.assign(value)
