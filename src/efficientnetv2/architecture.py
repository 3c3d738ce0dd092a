"""EfficientNetV2-B0 (Tan & Le, 2021): a network of neither paper nor report, 1,280 features."""

from sentiment.model import keras_application
from sentiment.model.recipe import Architecture, Recipe

ARCHITECTURE = Architecture(
    name="efficientnetv2",
    title="EfficientNetV2-B0",
    preprocessing="torch",
    build=keras_application.builder(
        "EfficientNetV2B0", keras_application.InPyTorch(), include_preprocessing=False
    ),
    pytorch="torch",  # timm's tf_efficientnetv2_b0, which is computed in the same way
)
FC = Recipe(layers="fc")
ALL = Recipe(layers="all", head="trained")
