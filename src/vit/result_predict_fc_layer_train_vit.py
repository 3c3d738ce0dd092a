"""Predict the test split with ViT-B/16 or --variant, fully connected layers fine-tuned (FT-F).

Command:

    ipython src/vit/result_predict_fc_layer_train_vit.py -- --percent 1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sentiment.inference.predict import main
from vit.architecture import ARCHITECTURE, FC

if __name__ == "__main__":
    main(ARCHITECTURE, FC)
