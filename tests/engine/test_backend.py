"""Keras on each backend: an error of short memory is known for what it is."""

import numpy as np
import pytest

from sentiment.engine import backend


@pytest.mark.slow
def test_short_memory_is_known_on_every_backend() -> None:
    def tensorflow() -> None:
        import tensorflow as tf

        tf.zeros([2**42])

    def jax() -> None:
        import jax

        jax.numpy.zeros(2**42).block_until_ready()

    for allocate in (tensorflow, jax, lambda: np.ones(2**46)):
        with pytest.raises(Exception, match=r"(?i)memory|alloc") as caught:
            allocate()
        assert backend.out_of_memory(caught.value)
    assert not backend.out_of_memory(ValueError("no such file"))
