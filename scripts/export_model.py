"""Export a trained model to formats that run without Keras, each checked against Keras first.

Command:

    python scripts/export_model.py saved_models/t4sa/all_layers_mobilenet.keras
    python scripts/export_model.py MODEL.keras --formats litert int8 onnx saved-model
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.inference.export_model import main

if __name__ == "__main__":
    main()
