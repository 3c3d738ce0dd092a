"""Import a trained model that others have published, such as those of the paper's authors.

Command:

    python scripts/import_model.py vgg19_finetuned_all.pth --network vgg19 --layers all
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.inference.import_model import main

if __name__ == "__main__":
    main()
