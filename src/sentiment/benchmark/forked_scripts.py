"""Scripts run one after the other as `scripts/run_all.py` runs them: forked from one process.

Each line of the standard input is a script's command, a JSON list. When the script has ended, its
status is printed as a line.
"""

import json
import os
import sys
from pathlib import Path

from sentiment.base import signals


def main() -> None:
    """Run the scripts, without what they print."""
    with Path(os.devnull).open("w") as nowhere:
        for line in sys.stdin:
            print(signals.run_script(json.loads(line), stdout=nowhere), flush=True)


if __name__ == "__main__":
    main()
