"""Predict any photos by an exported model: a CSV file, a page to look at, folders by label.

Command:

    python scripts/predict_photos.py photo.jpg
    python scripts/predict_photos.py DIR --recursive --output answers.csv --gallery answers.html
    python scripts/predict_photos.py DIR --output answers.csv --copy-into DIR --min-probability 0.9
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.inference.predict_photos import main

if __name__ == "__main__":
    main()
