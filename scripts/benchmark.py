"""Measure each stage against what bounds it, both sides in one run, on this machine.

Command:

    python scripts/benchmark.py
    python scripts/benchmark.py --parts preparation --photos DIR
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.benchmark.benchmark import main

if __name__ == "__main__":
    main()
