"""List or clear the bottleneck features that FT-F runs have kept.

Command:

    python scripts/features.py list
    python scripts/features.py clear --dataset t4sa
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.data.features import main

if __name__ == "__main__":
    main()
