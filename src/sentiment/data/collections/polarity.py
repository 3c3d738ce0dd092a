"""Emotions as negative, neutral and positive."""

import dataclasses

from sentiment.base.errors import UserError
from sentiment.data.collections.collection import SENTIMENTS, Photo, Source, shares_of

POLARITY = {
    "positive": (
        "positive", "amusement", "awe", "contentment", "excitement", "joy", "surprise",
    ),
    "neutral": ("neutral",),
    "negative": ("negative", "anger", "disgust", "fear", "sadness"),
}  # fmt: skip
"""Polarity of Mikels' eight emotions (Mikels et al., 2005), and of Ekman's six as You et al. and
Yang et al. (WSCNet, 2018) take them for Emotion6 and EmotionROI."""


def of_emotions(source: Source) -> Source:
    """Turn the classes of a source into sentiments; shares of one sentiment are added up.

    A photo whose shares of two sentiments are equal, and the largest, is left out.

    Raises:
        UserError: a class is none of POLARITY's.
    """
    polarity = {emotion: name for name, emotions in POLARITY.items() for emotion in emotions}
    unknown = [name for name in source.class_names if name.lower() not in polarity]
    if unknown:
        raise UserError(
            f"{source.root}: --polarity knows no class {unknown[0]}; it knows "
            f"{', '.join(emotion for emotion in polarity)}"
        )
    new_of = [polarity[name.lower()] for name in source.class_names]
    names = tuple(name for name in SENTIMENTS if name in new_of)
    new_label = [names.index(name) for name in new_of]

    def turned(photo: Photo) -> Photo | None:
        if not photo.shares:
            return photo._replace(label=new_label[photo.label])
        sums = [0.0] * len(names)
        for label, share in zip(new_label, photo.shares, strict=True):
            sums[label] += share
        shares = shares_of(sums)
        if shares.count(max(shares)) > 1:
            return None
        return photo._replace(label=shares.index(max(shares)), shares=shares)

    splits = {
        name: [new for photo in photos if (new := turned(photo))]
        for name, photos in source.splits.items()
    }
    old_of = {
        name: [old for old, new in zip(source.class_names, new_of, strict=True) if new == name]
        for name in names
    }
    notes = ["; ".join(f"{name} is {', '.join(old)}" for name, old in old_of.items())]
    left_out = sum(map(len, source.splits.values())) - sum(map(len, splits.values()))
    if left_out:
        notes.append(f"{left_out:,} photos left out: two sentiments have the largest share")
    return dataclasses.replace(
        source, class_names=names, splits=splits, notes=(*source.notes, *notes)
    )
