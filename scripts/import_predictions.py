"""Import what another program said of a list of photos, to be compared with models here.

Command:

    python scripts/import_predictions.py --list LIST --predictions FILE --name paper-ft-a
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.inference.import_predictions import main

if __name__ == "__main__":
    main()
