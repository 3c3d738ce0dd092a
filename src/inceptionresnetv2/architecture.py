"""InceptionResNetV2 (Szegedy et al., 2017): the deep network, 1,536 features."""

from sentiment.model import keras_application
from sentiment.model.recipe import Architecture, Recipe

ARCHITECTURE = Architecture(
    name="inceptionresnetv2",
    title="InceptionResNetV2",
    preprocessing="tf",
    build=keras_application.builder("InceptionResNetV2"),
)
FC = Recipe(layers="fc")
ALL = Recipe(layers="all", head="trained")
