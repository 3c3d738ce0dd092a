"""Compare any results of the prediction scripts, each with each, on the same images.

Command:

    python scripts/compare.py saved_models/t4sa/*_layers_mobilenet_result.npz
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.report.compare import main

if __name__ == "__main__":
    main()
