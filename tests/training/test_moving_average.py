"""The moving average of the weights, against its formula computed in NumPy."""

import dataclasses

import keras
import numpy as np
import pytest
from helpers.small_network import ALL, SMALL

from sentiment.model.build import build_model
from sentiment.training.moving_average import Average
from sentiment.training.optimizer import build_optimizer, compile_model

RANDOM = np.random.default_rng(1)
PHOTOS = RANDOM.integers(0, 256, (4, 224, 224, 3), np.uint8)
LABELS = np.array([0, 1, 2, 1])


@pytest.mark.parametrize("parts", [1, 2])
def test_validation_sees_the_average_of_the_weights(parts: int) -> None:
    """Keras' average begins with the weights after the first update."""
    recipe = dataclasses.replace(
        ALL, batch_size=2, gradient_accumulation_steps=parts, ema_momentum=0.7
    )
    network = build_model(SMALL, recipe, 3)
    compile_model(network, build_optimizer(recipe, recipe.learning_rate))
    learned, validated, left = [], [], []
    callbacks = [
        Average(),
        keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: learned.append(network.get_weights()),
            on_test_batch_end=lambda batch, logs: validated.append(network.get_weights()),
            on_epoch_end=lambda epoch, logs: left.append(network.get_weights()),
        ),
    ]  # fmt: skip
    network.fit(PHOTOS, LABELS, 2 // parts, epochs=3, shuffle=False, verbose=0,
                validation_data=(PHOTOS, LABELS), callbacks=callbacks)  # fmt: skip
    steps = len(learned) // 3
    average, expected = learned[0], []
    for step, weights in enumerate(learned):
        share = 0.7 ** (1 / parts) if step >= parts else 0.0
        average = [share * a + (1 - share) * w for a, w in zip(average, weights, strict=True)]
        expected += [average] if (step + 1) % steps == 0 else []
    first_of_epoch = validated[:: len(validated) // 3]
    for weights_there, wanted in zip(first_of_epoch, expected, strict=True):
        for weight, expected_weight in zip(weights_there, wanted, strict=True):
            np.testing.assert_allclose(weight, expected_weight, rtol=1e-5, atol=1e-7)
    for weights_there, wanted in zip(left, learned[steps - 1 :: steps], strict=True):
        for weight, expected_weight in zip(weights_there, wanted, strict=True):
            np.testing.assert_array_equal(weight, expected_weight)
