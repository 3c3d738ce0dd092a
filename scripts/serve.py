"""Serve an exported model: a web API, and a page for people.

Command:

    python scripts/serve.py
    python scripts/serve.py --model saved_models/t4sa/all_layers_mobilenet.tflite --port 8000
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.service.serve import main

if __name__ == "__main__":
    main()
