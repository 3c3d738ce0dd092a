"""Try settings of the recipe by grid or by Optuna, and answer the report's questions.

Command:

    python scripts/sweep.py --percent 10
    python scripts/sweep.py --grid learning-rate=1e-1,1e-2,1e-3 batch-size=64,128 -- --epochs 5
    python scripts/sweep.py --search learning-rate=1e-4..1 optimizer=sgd,adam --trials 20
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.experiments.sweep.sweep import main

if __name__ == "__main__":
    main()
