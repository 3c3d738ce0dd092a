"""Measure the service under load, against decoding and inference alone, on this machine.

Command:

    python scripts/load_test.py --photos DIR
    python scripts/load_test.py --photos DIR --steady 20000
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.service.load_test import main

if __name__ == "__main__":
    main()
