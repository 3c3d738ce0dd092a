"""Make a trained model's probabilities mean what they say, by a temperature inside the model.

Command:

    python scripts/calibrate.py saved_models/t4sa/all_layers_mobilenet.keras
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.inference.calibrate import main

if __name__ == "__main__":
    main()
