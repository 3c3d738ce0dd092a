"""Fine-tune the fully connected layers of EfficientNetV2-B0 (FT-F).

Command:

    ipython src/efficientnetv2/fc_layer_train_efficientnetv2.py -- --percent 1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from efficientnetv2.architecture import ARCHITECTURE, FC
from sentiment.training.train import main

if __name__ == "__main__":
    main(ARCHITECTURE, FC)
