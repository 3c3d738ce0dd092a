"""T4SA 2.0, the successor of B-T4SA (Serra et al., 2023)."""

import dataclasses

from sentiment.data.collections import photo_tables
from sentiment.data.collections.collection import SENTIMENTS, Source
from sentiment.data.collections.origin import Origin


def read(origin: Origin) -> Source:
    """Read its lists, tables of `path,class` or `path,label`, such as `merge_{train,val}.csv`.

    Labels are codes, 0 negative, 1 neutral, 2 positive.
    """
    reading = dataclasses.replace(origin.reading, class_names=SENTIMENTS)
    source = photo_tables.read(dataclasses.replace(origin, reading=reading))
    return dataclasses.replace(source, labels_from="the text of the tweets, read by a classifier")
