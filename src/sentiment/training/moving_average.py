"""The moving average of the weights (EMA), which is validated and kept in their place."""

import keras
import numpy as np


class Average(keras.callbacks.Callback):
    """Puts the optimiser's average into the model, if it has one, from validation on.

    Keras' own SwapEMAWeights adds and subtracts the weights on TensorFlow, which changes their
    last bits.
    """

    def __init__(self) -> None:
        super().__init__()
        self._learning: list[np.ndarray] = []
        """The weights that learn, while the model has the average."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        learner = self.model
        if learner.optimizer.use_ema:
            weights = learner.trainable_variables
            self._learning = [keras.ops.convert_to_numpy(weight).copy() for weight in weights]
            learner.optimizer.finalize_variable_values(weights)
            for weight in weights:  # JAX gives the model's memory away, which is the average's too
                weight.assign(keras.ops.copy(weight))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.put_back()

    def on_train_end(self, logs: dict | None = None) -> None:
        self.put_back()  # for Keras leaves the average, and training may go on

    def put_back(self) -> None:
        """Give the model the weights that learn, where they have been taken from it."""
        if self._learning:
            for weight, value in zip(self.model.trainable_variables, self._learning, strict=True):
                weight.assign(value)
