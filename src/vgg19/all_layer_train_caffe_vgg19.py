"""Fine-tune all layers of VGG19 (FT-A).

Command:

    ipython src/vgg19/all_layer_train_caffe_vgg19.py -- --percent 1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sentiment.training.train import main
from vgg19.architecture import ALL, ARCHITECTURE

if __name__ == "__main__":
    main(ARCHITECTURE, ALL)
