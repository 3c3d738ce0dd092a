"""Fine-tune the fully connected layers of ConvNeXt-Tiny or --variant (FT-F).

Command:

    ipython src/convnext/fc_layer_train_convnext.py -- --percent 1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from convnext.architecture import ARCHITECTURE, FC
from sentiment.training.train import main

if __name__ == "__main__":
    main(ARCHITECTURE, FC)
