"""Fine-tune the fully connected layers of ViT-B/16 or --variant (FT-F).

Command:

    ipython src/vit/fc_layer_train_vit.py -- --percent 1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sentiment.training.train import main
from vit.architecture import ARCHITECTURE, FC

if __name__ == "__main__":
    main(ARCHITECTURE, FC)
