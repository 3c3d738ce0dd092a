"""Predict the test split with ConvNeXt-Tiny or --variant, fully connected layers fine-tuned (FT-F).

Command:

    ipython src/convnext/result_predict_fc_layer_train_convnext.py -- --percent 1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from convnext.architecture import ARCHITECTURE, FC
from sentiment.inference.predict import main

if __name__ == "__main__":
    main(ARCHITECTURE, FC)
