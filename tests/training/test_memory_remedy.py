"""Short memory is answered with the flags that need less, and with numbers."""

import numpy as np
import pytest

from sentiment.base.errors import UserError
from sentiment.model.recipe import Recipe
from sentiment.training.memory_remedy import less_memory, memory_remedy


def test_short_memory_is_answered_with_numbers() -> None:
    recipe = Recipe(layers="all", batch_size=48, gradient_accumulation_steps=2)
    assert less_memory(recipe) == (
        "out of memory with 24 images at a time; --gradient-accumulation-steps 3 takes 16 and "
        "keeps updates of 48, or give a lower --batch-size"
    )
    with pytest.raises(UserError, match="out of memory with 24 images"), memory_remedy(recipe):
        np.ones(2**46)


def test_images_that_go_one_by_one_need_a_larger_device() -> None:
    recipe = Recipe(layers="all", batch_size=4, gradient_accumulation_steps=4)
    assert less_memory(recipe).endswith("; this network needs a larger device")


def test_another_error_stays_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), memory_remedy(Recipe(layers="all")):
        _ = 1 / 0
