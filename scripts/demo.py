"""From a sample of photos, or drawn faces, to two trained and tested models, in minutes.

Command:

    bash scripts/demo.sh
    python scripts/demo.py --photos DIR --serve
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.experiments.demo import main

if __name__ == "__main__":
    main()
