"""Make a training set out of posts with photos: the text of a post labels its photos.

Command:

    python scripts/cross_media.py --posts posts.csv --photos /photos --into /photos/my-set
    python scripts/prepare_data.py t4sa --source /photos/my-set
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from sentiment.cross_media.cross_media import main

if __name__ == "__main__":
    main()
