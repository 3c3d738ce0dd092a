"""Time every trained model of a data set on the CPU: 1 and 15 images at a time.

Command:

    python scripts/measure_inference.py --dataset t4sa
    python scripts/measure_inference.py --dataset t4sa --percent 10 --images 60 --threads 4
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.inference.measure_inference import main

if __name__ == "__main__":
    main()
