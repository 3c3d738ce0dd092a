"""Say what is prepared, trained, running, stopped or failed, and which command goes on.

Command:

    python scripts/status.py
    python scripts/status.py --watch
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.runs.status import main

if __name__ == "__main__":
    main()
