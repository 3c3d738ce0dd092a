"""Fine-tune all layers of EfficientNet-Lite0 (FT-A).

Command:

    ipython src/efficientnetlite/all_layer_train_efficientnetlite.py -- --percent 1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from efficientnetlite.architecture import ALL, ARCHITECTURE
from sentiment.training.train import main

if __name__ == "__main__":
    main(ARCHITECTURE, ALL)
