"""Say how noisy labels are: other readers beside them, and the photos that a network disbelieves.

Command:

    python scripts/label_noise.py --dataset t4sa
    python scripts/label_noise.py --dataset t4sa --scores t4sa_text_sentiment.tsv --folds 0
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.experiments.label_noise.label_noise import main

if __name__ == "__main__":
    main()
