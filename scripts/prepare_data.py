"""Decode a photo collection once into a bcolz store under data/NAME/.

Command:

    python scripts/prepare_data.py t4sa --source /photos/b-t4sa
    python scripts/prepare_data.py ttd  --source /photos/deepsent
    python scripts/prepare_data.py dogs --source /photos/dogImages
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.data.prepare_data import main

if __name__ == "__main__":
    main()
