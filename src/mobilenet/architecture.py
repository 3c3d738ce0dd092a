"""MobileNetV2 1.0/224 (Sandler et al., 2018): the small network, 1,280 features.

The report's network of this name was MobileNet v1 with FC layers 256-128-3 without
nonlinearities, which together are one linear map: here it is one layer, as in the original.
"""

from sentiment.model import keras_application
from sentiment.model.recipe import Architecture, Recipe

ARCHITECTURE = Architecture(
    name="mobilenet",
    title="MobileNetV2",
    preprocessing="tf",
    build=keras_application.builder("MobileNetV2"),
)
FC = Recipe(layers="fc")
ALL = Recipe(layers="all", head="trained")
