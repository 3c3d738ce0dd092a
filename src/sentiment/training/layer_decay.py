"""Learning rates that fall layer by layer from the top of a network to the image.

Clark et al. (ELECTRA, 2020); for networks of images Bao et al. (BEiT, 2022).
"""

import itertools
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

import keras

log = logging.getLogger(__name__)

GROUPS = 12
"""Layers that a backbone counts for: ViT-B's blocks, as in BEiT; ConvNeXt's authors also divide its
blocks into 12 groups (Liu et al., 2022)."""


def depths(network: keras.Model) -> list[tuple[keras.Variable, int]]:
    """The backbone's variables that learn, each with how many layers it is below the head.

    In their order from the image, its kernels are divided into GROUPS groups of as many each, or
    fewer groups where it has fewer kernels. Biases, normalisation and the like go with the kernel
    before them, in ViT and ConvNeXt too; those before the first go with the first.
    """
    variables = network.get_layer("backbone").trainable_variables
    begun = [*itertools.accumulate(is_kernel(variable) for variable in variables)]
    kernels = begun[-1]
    groups = min(GROUPS, kernels)
    return [
        (variable, groups - max(0, count - 1) * groups // kernels)
        for variable, count in zip(variables, begun, strict=True)
    ]


def is_kernel(variable: keras.Variable) -> bool:
    """Whether a variable is a layer's kernel: no bias, normalisation, scale or embedding."""
    return variable.name.endswith("kernel")


def optimizer_of(
    kind: type[keras.optimizers.Optimizer], network: keras.Model, decay: float
) -> type[keras.optimizers.Optimizer]:
    """Make a kind of optimiser that takes the learning rate times decay ** depth for a variable.

    AdamW's weight decay, of which the learning rate is a factor, falls alike. Keras' own
    MultiOptimizer, with an optimiser a group, knows no moving average, and its state is none that
    a single optimiser can take over when the model is saved.

    Args:
        kind: one of Keras', for the backend in use.
        network: the whole network, whose backbone learns.
        decay: more than 0, less than 1.
    """
    below = depths(network)
    scales = {id(variable): decay**depth for variable, depth in below}
    lowest = max(depth for _, depth in below)
    log.info("  layer decay: the lowest layers, %d below the fully connected ones, have %.3g of "
             "the learning rate", lowest, decay**lowest)  # fmt: skip

    class Decaying(kind):
        """Updates the variables of a group at a time."""

        def __init__(self, weight_decay: float | None = None, **settings: object):
            super().__init__(weight_decay=weight_decay, **settings)
            self.whole_weight_decay = weight_decay

        def _backend_update_step(
            self,
            grads: Sequence[keras.KerasTensor],
            trainable_variables: Sequence[keras.Variable],
            learning_rate: keras.KerasTensor,
        ) -> None:
            for scale, places in _places(trainable_variables, scales).items():
                super()._backend_update_step(
                    [grads[place] for place in places],
                    [trainable_variables[place] for place in places],
                    learning_rate * scale,
                )

        def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
            if not self.whole_weight_decay:
                return
            for scale, places in _places(variables, scales).items():
                self.weight_decay = scale * self.whole_weight_decay
                super()._apply_weight_decay([variables[place] for place in places])

    return Decaying


def _places(
    variables: Sequence[keras.Variable], scales: Mapping[int, float]
) -> dict[float, list[int]]:
    """Where the variables of each scale stand; those that have none have 1."""
    places = defaultdict(list)
    for place, variable in enumerate(variables):
        places[scales.get(id(variable), 1.0)].append(place)
    return places
