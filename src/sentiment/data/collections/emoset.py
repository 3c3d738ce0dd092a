"""EmoSet-118K (Yang et al., 2023): photos with one of Mikels' eight emotions."""

import json

from sentiment.base.errors import UserError
from sentiment.data.collections import labelled_photos
from sentiment.data.collections.collection import Source
from sentiment.data.collections.labelled_photos import Labelled
from sentiment.data.collections.origin import Origin

LISTS = {"train": "train", "validation": "val", "test": "test"}
"""By split, the name of its list."""


def read(origin: Origin) -> Source:
    """Read `{train,val,test}.json`, lists of `[EMOTION, ..., IMAGE, ANNOTATION]`."""
    labelled = []
    for split, name in LISTS.items():
        file = origin.folder / f"{name}.json"
        try:
            entries = json.loads(file.read_bytes())
        except FileNotFoundError:
            raise UserError(f"{file}: no such list; --source is the folder that holds it") from None
        except ValueError as error:
            raise UserError(f"{file}: not JSON ({error})") from None
        for number, entry in enumerate(entries, 1):
            where = f"{file}, entry {number}"
            if (
                not isinstance(entry, list)
                or len(entry) < 3
                or {type(entry[0]), type(entry[-2])} != {str}
            ):
                raise UserError(f"{where}: expected [emotion, image, annotation]")
            labelled.append(Labelled(where, entry[-2], entry[0], split=split))
    return labelled_photos.source(origin, labelled, "people, who agreed on the emotion (EmoSet)")
