"""Train, predict, measure and report all models of a data set; goes on where it stopped.

Command:

    bash scripts/run_all.sh
    bash scripts/run_all.sh --percent 1
    python scripts/run_all.py --percent 10 --weights none mobilenet=FILE -- --epochs 3
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.experiments.run_all import main

if __name__ == "__main__":
    main()
