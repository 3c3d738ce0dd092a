"""InceptionResNetV2 (Szegedy et al., 2017): the deep network, 1,536 features."""

from sentiment import pooled
from sentiment.recipe import Architecture, Recipe

ARCHITECTURE = Architecture(
    name="inceptionresnetv2",
    title="InceptionResNetV2",
    preprocessing="tf",
    build=pooled.builder("InceptionResNetV2"),
)
FC = Recipe(layers="fc")
ALL = Recipe(layers="all", head="trained")
