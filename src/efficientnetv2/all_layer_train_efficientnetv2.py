"""Fine-tune all layers of EfficientNetV2-B0 (FT-A).

Command:

    ipython src/efficientnetv2/all_layer_train_efficientnetv2.py -- --percent 1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from efficientnetv2.architecture import ALL, ARCHITECTURE
from sentiment.training.train import main

if __name__ == "__main__":
    main(ARCHITECTURE, ALL)
