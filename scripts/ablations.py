"""Undo or add one choice at a time, and say which of them make a difference.

Command:

    python scripts/ablations.py --network vgg19 --layers fc
    python scripts/ablations.py --percent 10 --layers all -- --epochs 3
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.experiments.ablations.ablations import main

if __name__ == "__main__":
    main()
