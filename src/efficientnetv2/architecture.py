r"""EfficientNetV2-B0 (Tan & Le, 2021): a network of neither paper nor report, 1,280 features.

Its reference run, on the whole of B-T4SA:

    python src/efficientnetv2/fc_layer_train_efficientnetv2.py
    python src/efficientnetv2/all_layer_train_efficientnetv2.py
    python src/efficientnetv2/result_predict_fc_layer_train_efficientnetv2.py \
        --test-on t4sa ttd
    python src/efficientnetv2/result_predict_all_layer_train_efficientnetv2.py \
        --test-on t4sa ttd

Nobody has published figures of it on these data; the paper's best, VGG19 FT-A, has 0.513 on
B-T4SA's test split and 0.785 on TTD where five agree.
"""

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
