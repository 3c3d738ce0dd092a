"""Small ICC profiles, made by hand (ICC.1:2010): littleCMS itself makes none but that of sRGB."""

import struct
from pathlib import Path

import numpy as np

HEIC = Path(__file__).with_name("display_p3.heic")
"""Red and green above blue and white, 64 x 48 pixels in Display P3, turned by 90 degrees."""

D50 = (0.9642, 1.0, 0.8249)
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""Exponent and the other parameters of sRGB's transfer function, which Display P3 has too."""

SRGB, DISPLAY_P3, ADOBE_RGB = (
    np.array(columns).T
    for columns in (
        ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
        ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
        ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
    )
)
"""XYZ of red, green and blue, adapted to D50, in columns."""

DOT_GAIN = 0.15
"""How much more of the paper than was asked for a middle tint of `cmyk` covers."""


def display(primaries: np.ndarray, curve: tuple[float, ...] | np.ndarray) -> bytes:
    """A profile of a display; `curve` has parameters, or the values of a table."""
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(curve))
    columns = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries.T), strict=True))
    return _profile(b"mntr", b"RGB ", columns | curves)


def grey(curve: tuple[float, ...]) -> bytes:
    """A profile of greys."""
    return _profile(b"mntr", b"GRAY", {b"kTRC": _curve(curve)})


def cmyk() -> bytes:
    """A profile of a printer whose inks take away all of red, green and blue, and gain by DOT_GAIN.

    Curves of the inks, a table of their mixtures in sRGB, sRGB's curve, and the matrix to XYZ.
    """
    inks = _curve(covered(np.linspace(0, 1, 64))) * 4
    mixtures = [
        (1 - ink) * (1 - black)
        for *cmy, black in np.ndindex(2, 2, 2, 2)
        for ink in cmy
    ]  # fmt: skip
    table = bytes([2] * 4 + [0] * 12 + [2, 0, 0, 0]) + struct.pack(
        ">48H", *np.array(mixtures) * 65535
    )
    matrix = _fixed(*(SRGB * 32768 / 65535).ravel(), 0, 0, 0)  # 1 is written as half of the range
    parts = [_curve((1.0,)) * 3, matrix, _curve(SRGB_CURVE) * 3, table, inks]
    places = np.cumsum([32, *map(len, parts[:-1])])
    lut = b"mAB \0\0\0\0" + bytes([4, 3, 0, 0]) + struct.pack(">5I", *places) + b"".join(parts)
    return _profile(b"prtr", b"CMYK", {b"A2B0": lut})


def covered(ink: np.ndarray) -> np.ndarray:
    """Part of the paper that an ink of `cmyk` covers, of the part asked for."""
    return ink + 4 * DOT_GAIN * ink * (1 - ink)


def _profile(kind: bytes, space: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = "made by hand".encode("utf-16-be")
    text = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(name), 28) + name
    tags = {b"desc": text, b"cprt": text, b"wtpt": _xyz(D50)} | tags
    place, index, data = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        index += tag + struct.pack(">II", place + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x", place + len(data), 0x02400000, kind, space, b"XYZ ", b"acsp"
    )
    return header + _fixed(*D50) + bytes(48) + index + data


def _curve(curve: tuple[float, ...] | np.ndarray) -> bytes:
    if isinstance(curve, tuple):
        kind = {1: 0, 5: 3}[len(curve)]
        return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(*curve)
    values = np.round(np.asarray(curve) * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", len(curve)) + values


def _xyz(values: tuple[float, ...] | np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _fixed(*values: float) -> bytes:
    """Numbers with 16 bits behind the point."""
    return struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))
