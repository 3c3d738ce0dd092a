"""Which trainings can start from the same network."""

import dataclasses

from sentiment.model.recipe import Recipe
from sentiment.training.setup import basis

DECAYING = Recipe(layers="all", weight_decay=0.01)


def test_weight_decay_is_of_the_network_but_for_adamw() -> None:
    """Caffe's is a penalty of its layers, AdamW's a part of its updates."""

    def like(**changes: object) -> bool:
        return basis(dataclasses.replace(DECAYING, **changes)) == basis(DECAYING)

    assert like(learning_rate=0.1, warmup_epochs=1.0, layer_decay=0.5, optimizer="adam")
    assert not like(weight_decay=0.02)
    assert not like(optimizer="adamw")
    decoupled = dataclasses.replace(DECAYING, optimizer="adamw")
    other = dataclasses.replace(decoupled, weight_decay=0.02)
    assert basis(decoupled) == basis(other)
