"""Write the report of all runs on a data set: tables, pictures and the model to deploy.

Command:

    python scripts/report.py --dataset t4sa
    python scripts/report.py --dataset t4sa --percent 10
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.report.report import main

if __name__ == "__main__":
    main()
