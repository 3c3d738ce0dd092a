r"""MobileNetV2 1.0/224 (Sandler et al., 2018): the small network, 1,280 features.

The report's network of this name was MobileNet v1 with FC layers 256-128-3 without
nonlinearities, which together are one linear map: here it is one layer, as in the original.

Its reference run, on the whole of B-T4SA:

    python src/mobilenet/fc_layer_train_mobilenet.py
    python src/mobilenet/all_layer_train_mobilenet.py
    python src/mobilenet/result_predict_fc_layer_train_mobilenet.py \
        --test-on t4sa ttd
    python src/mobilenet/result_predict_all_layer_train_mobilenet.py \
        --test-on t4sa ttd

It should come near the report's figures, though they are MobileNet v1's: FT-F 0.4816 on B-T4SA's
test split and 0.7222 on TTD where five agree, FT-A 0.5108 and 0.7574.
"""

from sentiment.model import keras_application
from sentiment.model.recipe import Architecture, Recipe

IN_PYTORCH = keras_application.InPyTorch(
    settings={
        "BatchNormalization": {"epsilon": 1e-5},
        "Conv1": {"padding": "valid"},
        "ZeroPadding2D": {"padding": ((1, 0), (1, 0))},
    },
    padding=((1, 0), (1, 0)),
)
"""torchvision's `mobilenet_v2` and timm's `mobilenetv2_100`: where a layer halves the image, they
add zeros above and to the left, Keras below and to the right."""

ARCHITECTURE = Architecture(
    name="mobilenet",
    title="MobileNetV2",
    preprocessing="tf",
    build=keras_application.builder("MobileNetV2", IN_PYTORCH),
    pytorch="torch",
)
FC = Recipe(layers="fc")
ALL = Recipe(layers="all", head="trained")
