"""Hundreds of generated bad photos: each decodes or is skipped and listed."""

import io

import numpy as np
import pytest
from helpers import icc_profiles
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sentiment.base.errors import BadImage
from sentiment.data import decode, prepare_data
from sentiment.data.dataset import Dataset

GENERATED = settings(max_examples=250, deadline=None)


def picture(kind: str) -> bytes:
    box = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 10, 3), np.uint8)
    Image.fromarray(pixels).save(box, kind)
    return box.getvalue()


WHOLE = {kind: picture(kind) for kind in decode.FORMATS if kind != "HEIF"}
WHOLE["HEIF"] = icc_profiles.HEIC.read_bytes()

mutations = st.lists(
    st.tuples(st.sampled_from(["set", "insert", "drop", "cut"]), st.floats(0, 1), st.binary()),
    min_size=1,
    max_size=4,
)


def mutated(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for what, where, some in changes:
        place = int(where * len(content))
        rest = {"set": len(some), "insert": 0, "drop": 1 + len(some), "cut": len(content)}[what]
        between = some if what in ("set", "insert") else b""
        content = content[:place] + between + content[place + rest :]
    return content


@GENERATED
@given(st.sampled_from([*WHOLE]), mutations)
def test_a_broken_photo_decodes_to_a_picture_or_is_told_to_be_bad(kind, changes):
    try:
        image = decode.decode(mutated(WHOLE[kind], changes))
    except BadImage as bad:
        assert str(bad)
    else:
        assert image.shape == (224, 224, 3)
        assert image.dtype == np.uint8


def test_250_broken_photos_are_each_stored_or_listed_and_no_good_one_is_lost(tmp_path):
    seed = int(np.random.default_rng().integers(2**32))
    print("seed", seed)
    random = np.random.default_rng(seed)
    source, lines = tmp_path / "source", []
    (source / "data").mkdir(parents=True)
    for number in range(300):
        content = [*WHOLE.values()][number % len(WHOLE)]
        if number >= 50:
            changes = [
                (str(random.choice(["set", "insert", "drop", "cut"])), random.random(),
                 random.bytes(random.integers(12)))
                for _ in range(random.integers(1, 4))
            ]  # fmt: skip
            content = mutated(content, changes)
        (source / "data" / f"{number}.jpg").write_bytes(content)
        lines.append(f"data/{number}.jpg {number % 3}\n")
    for name in ("train", "val", "test"):
        (source / f"b-t4sa_{name}.txt").write_text("".join(lines if name == "test" else lines[:5]))
    prepare_data.prepare(
        prepare_data.Options("t4sa", source, max_bad_percent=100, data_dir=tmp_path)
    )
    prepared = Dataset(tmp_path, "t4sa")
    skipped = {bad["path"] for bad in prepared.manifest["splits"]["test"]["skipped"]}
    split = prepared.split("test")
    stored = dict(zip(split.paths.tolist(), split.images[:], strict=True))
    assert [line.split()[0] for line in lines if line.split()[0] not in skipped] == list(stored)
    assert skipped & {f"data/{number}.jpg" for number in range(50)} == set()
    assert 20 < len(skipped) < 250
    for path in skipped:
        with pytest.raises(BadImage):
            decode.decode_file(source / path)
    for path, image in stored.items():
        np.testing.assert_array_equal(image, decode.decode_file(source / path))
