"""Find the learning rates that a network can take: train while the rate rises, watch the loss.

Command:

    python scripts/learning_rate_range.py --network mobilenet --layers fc --dataset t4sa
    python scripts/learning_rate_range.py --layers all -- --optimizer adam --head fresh
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.experiments.learning_rate_range import main

if __name__ == "__main__":
    main()
