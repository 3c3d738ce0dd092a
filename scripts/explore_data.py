"""Look at a photo collection before training on it: sizes, bad photos, duplicates across splits.

Command:

    python scripts/explore_data.py --dataset t4sa
    python scripts/explore_data.py t4sa --source /photos/b-t4sa
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.exploration.explore_data import main

if __name__ == "__main__":
    main()
