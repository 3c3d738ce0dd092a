"""Check prepared data for damage, and repair what is damaged from the photos.

Command:

    python scripts/verify_data.py t4sa
    python scripts/verify_data.py t4sa --repair
    python scripts/verify_data.py t4sa --source /photos/b-t4sa
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.data.verify_data import main

if __name__ == "__main__":
    main()
