"""One photo's bytes become 224 x 224 RGB pixels, or BadImage with a fitting reason."""

import io
import os
import pickle
import socket
import threading

import numpy as np
import pytest
from helpers import icc_profiles
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageEnhance, ImageOps

from sentiment.base.errors import BadImage
from sentiment.benchmark import drawn_jpegs
from sentiment.data import decode as decode_module
from sentiment.data.decode import FORMATS, MAX_BYTES, decode, decode_file

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def plain(mode: str, colour: object) -> Image.Image:
    return Image.new(mode, (30, 20), colour)


def grey16(level: int) -> Image.Image:
    return Image.fromarray(np.full((20, 30), level, np.uint16))


def noise() -> Image.Image:
    return Image.effect_noise((60, 40), 60).convert("RGB")


def quarters(mode: str) -> Image.Image:
    """Red and green above blue and white; in RGBA the white is black and transparent."""
    image = Image.new(mode, (320, 200), (0, 0, 0, 0) if mode == "RGBA" else WHITE)
    for colour, (x, y) in {RED: (0, 0), GREEN: (160, 0), BLUE: (0, 100)}.items():
        image.paste(colour, (x, y, x + 160, y + 100))
    return image


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def bilinear(image: Image.Image) -> np.ndarray:
    """The picture as Pillow squishes it at full resolution."""
    return np.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))


def difference(image: np.ndarray, expected: np.ndarray) -> float:
    """The mean absolute difference, in grey levels."""
    return float(np.abs(image.astype(float) - expected).mean())


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "HEIF"])
def test_a_photo_of_any_format_is_squished_not_cropped(form):
    ramp = Image.linear_gradient("L")
    picture = Image.merge("RGB", [ramp, ramp.rotate(90), ramp.rotate(180)]).resize((600, 150))
    image = decode(encoded(picture, form))
    assert image.shape == (224, 224, 3)
    assert image.dtype == np.uint8
    assert difference(image, bilinear(picture)) < 5  # cropped, it would be tens


COLOURS = {
    "grey JPEG": (encoded(plain("L", 120), "JPEG"), (120, 120, 120)),
    "grey PNG": (encoded(plain("L", 120), "PNG"), (120, 120, 120)),
    "CMYK JPEG": (encoded(plain("CMYK", (0, 255, 255, 0)), "JPEG"), RED),
    "1 bit": (encoded(plain("1", 1), "PNG"), WHITE),
    "palette": (encoded(plain("RGB", BLUE).quantize(4), "PNG"), BLUE),
    "palette, transparent": (encoded(plain("P", 0), "PNG", transparency=0), WHITE),
    "GIF, transparent": (encoded(plain("P", 0), "GIF", transparency=0), WHITE),
    "RGB, red is transparent": (encoded(plain("RGB", RED), "PNG", transparency=RED), WHITE),
    "grey, 9 is transparent": (encoded(plain("L", 9), "PNG", transparency=9), WHITE),
    "RGBA, half red": (encoded(plain("RGBA", (*RED, 128)), "PNG"), (255, 127, 127)),
    "RGBA WebP": (encoded(plain("RGBA", (*RED, 128)), "WEBP", lossless=True), (255, 127, 127)),
    "LA, half black": (encoded(plain("LA", (0, 128)), "PNG"), (127, 127, 127)),
    "16 bits": (encoded(grey16(120 * 257), "PNG"), (120, 120, 120)),
    "16 bits, 9 is transparent": (encoded(grey16(9), "PNG", transparency=9), WHITE),
}


@pytest.mark.parametrize("name", COLOURS)
def test_every_colour_mode_becomes_rgb_laid_on_white(name):
    content, expected = COLOURS[name]
    assert difference(decode(content), np.array(expected)) <= 1


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.tile(np.linspace(0, 65535, 448).astype(np.uint16), (50, 1))
    image = decode(encoded(Image.fromarray(ramp), "PNG"))
    assert difference(image, np.linspace(0, 255, 224)[None, :, None]) < 1
    assert image.mean() == pytest.approx(127, abs=1)


CORNERS = {
    1: (RED, GREEN, BLUE, WHITE),
    2: (GREEN, RED, WHITE, BLUE),
    3: (WHITE, BLUE, GREEN, RED),
    4: (BLUE, WHITE, RED, GREEN),
    5: (RED, BLUE, GREEN, WHITE),
    6: (BLUE, RED, WHITE, GREEN),
    7: (WHITE, GREEN, BLUE, RED),
    8: (GREEN, WHITE, RED, BLUE),
}
"""By EXIF orientation, the upper left, upper right, lower left and lower right of `quarters`."""


@pytest.mark.parametrize("orientation", CORNERS)
@pytest.mark.parametrize(("form", "mode"), [("JPEG", "RGB"), ("PNG", "RGBA"), ("AVIF", "RGB")])
def test_a_photo_stands_as_its_exif_orientation_says(form, mode, orientation):
    image = decode(encoded(quarters(mode), form, exif=exif(orientation)))
    corners = image[[20, 20, -20, -20], [20, -20, 20, -20]]
    assert difference(corners, np.array(CORNERS[orientation])) < 5


DISPLAY_P3 = icc_profiles.display(icc_profiles.DISPLAY_P3, icc_profiles.SRGB_CURVE)
ADOBE_RGB = icc_profiles.display(icc_profiles.ADOBE_RGB, (563 / 256,))
CMYK = icc_profiles.cmyk()
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def in_display(photo: Image.Image, profile: bytes) -> Image.Image:
    """An sRGB photo in a display's colours."""
    of_display = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.profileToProfile(photo, SRGB, of_display)


def in_print(photo: Image.Image) -> Image.Image:
    """An sRGB photo in the inks of the profile CMYK, without black."""
    inks = np.linspace(0, 1, 4096)
    covering = 1 - np.asarray(photo) / 255
    cmy = np.interp(covering, icc_profiles.covered(inks), inks) * 255
    cmyk = np.dstack([cmy.round(), np.zeros(cmy.shape[:2])]).astype(np.uint8)
    return Image.frombytes("CMYK", photo.size, cmyk.tobytes())


PROFILES = {
    "Display P3": (DISPLAY_P3, lambda photo: in_display(photo, DISPLAY_P3)),
    "Adobe RGB": (ADOBE_RGB, lambda photo: in_display(photo, ADOBE_RGB)),
    "CMYK": (CMYK, in_print),
}


@pytest.mark.parametrize("name", PROFILES)
def test_the_colours_of_a_profile_become_those_of_the_srgb_original(name, shared):
    profile, converted = PROFILES[name]
    file = min((shared / "data" / "dogs").rglob("*.jpg"))
    photo = ImageEnhance.Color(Image.open(file)).enhance(2)  # as colourful as flowers are
    options = {"quality": 95, "subsampling": 0}
    expected = decode(encoded(photo, "JPEG", **options))
    photo = converted(photo)
    image = decode(encoded(photo, "JPEG", icc_profile=profile, **options))
    assert difference(image, expected) < 2
    assert difference(decode(encoded(photo, "JPEG", **options)), expected) > 5


P3_COLOUR, AS_SRGB = (200, 60, 40), (217, 42, 23)
"""A colour of Display P3, and the same in sRGB."""
CONVERTED = {
    "PNG": (plain("RGB", P3_COLOUR), "PNG", DISPLAY_P3, AS_SRGB),
    "WebP": (plain("RGB", P3_COLOUR), "WEBP", DISPLAY_P3, AS_SRGB),
    "AVIF": (plain("RGB", P3_COLOUR), "AVIF", DISPLAY_P3, AS_SRGB),
    "palette": (plain("RGB", P3_COLOUR).quantize(4), "PNG", DISPLAY_P3, AS_SRGB),
    "half transparent": (plain("RGBA", (*P3_COLOUR, 128)), "PNG", DISPLAY_P3, (236, 148, 138)),
    "grey": (plain("L", 100), "PNG", icc_profiles.grey((1.8,)), (119, 119, 119)),
    "grey, 16 bits": (grey16(100 * 257), "PNG", icc_profiles.grey((1.8,)), (119, 119, 119)),
    "grey, half transparent": (
        plain("LA", (100, 128)),
        "PNG",
        icc_profiles.grey((1.8,)),
        (187,) * 3,
    ),
    "black ink": (plain("CMYK", (0, 0, 0, 128)), "JPEG", CMYK, (89, 89, 89)),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_a_profile_counts_in_every_format_and_colour_mode(name):
    picture, form, profile, expected = CONVERTED[name]
    options = {"quality": 100} if form in ("WEBP", "AVIF") else {}
    image = decode(encoded(picture, form, icc_profile=profile, **options))
    assert difference(image, np.array(expected)) < 2


WITHOUT_EFFECT = {
    "sRGB, littleCMS's": SRGB.tobytes(),
    "sRGB, with another curve": icc_profiles.display(icc_profiles.SRGB, icc_profiles.SRGB_CURVE),
    "no profile": b"no profile at all",
    "half a profile": DISPLAY_P3[:300],
    "of greys": icc_profiles.grey((1.8,)),
    "of inks": CMYK,
    "of a link between devices": DISPLAY_P3.replace(b"mntr", b"link"),
    "too large": DISPLAY_P3 + bytes(4 * 2**20),
}


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_srgbs_own_profile_changes_no_byte_and_a_useless_one_costs_no_photo(name):
    photo = noise()
    image = decode(encoded(photo, "JPEG", icc_profile=WITHOUT_EFFECT[name]))
    np.testing.assert_array_equal(image, decode(encoded(photo, "JPEG")))


def test_heic_is_read_turned_and_in_its_colours():
    corners = decode(icc_profiles.HEIC.read_bytes())[[20, 20, -20, -20], [20, -20, 20, -20]]
    assert difference(corners, np.array((BLUE, RED, WHITE, GREEN))) < 5


def test_without_its_package_heic_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(decode_module, "FORMATS", FORMATS[:-1])
    with pytest.raises(BadImage, match="a HEIC photo; to read such photos, pip install pi-heif"):
        decode(icc_profiles.HEIC.read_bytes())


def damaged(form: str) -> list[bytes]:
    """A photo with its start marker twice, or with a few bytes changed at many places."""
    content = encoded(Image.effect_noise((300, 200), 60).convert("RGB"), form)
    changed = (content[:at] + bytes(8) + content[at + 8 :] for at in range(100, len(content), 997))
    return [b"\xff\xd8" + content, *changed] if form == "JPEG" else [*changed]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF"])
def test_what_pillow_cannot_read_to_its_end_is_no_photo(form):
    """Half a photo, the rest of it black, would be trained on."""
    refused = 0
    for content in damaged(form):
        try:
            Image.open(io.BytesIO(content)).convert("RGB")
        except (OSError, SyntaxError):
            refused += 1
            with pytest.raises(BadImage):
                decode(content)
        else:
            decode(content)
    assert refused


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_does_not_cost_a_good_photo(form):
    content = encoded(plain("RGB", BLUE), form, exif=b"Exif\0\0no tags at all")
    assert difference(decode(content), np.array(BLUE)) < 5


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "MPO", "AVIF"])
def test_of_several_pictures_in_a_file_the_first_is_taken(form):
    content = encoded(plain("RGB", RED), form, save_all=True, append_images=[plain("RGB", BLUE)])
    assert difference(decode(content), np.array(RED)) < 5


def test_real_photos_come_out_as_pillow_decodes_them_in_full(shared):
    files = sorted((shared / "data" / "dogs").rglob("*.jpg"))[::30]
    opened = [Image.open(file) for file in files]
    for file, photo in zip(files, opened, strict=True):
        assert difference(decode_file(file), bilinear(photo)) < 1, file
    # Large enough to be decoded at a quarter of its size, which none of the photos is.
    mosaic = Image.new("RGB", (1500, 1200))
    for place, photo in enumerate(opened):
        mosaic.paste(ImageOps.fit(photo, (500, 400)), (place % 3 * 500, place // 3 * 400))
    content = encoded(mosaic, "JPEG", quality=90)
    assert difference(decode(content), bilinear(Image.open(io.BytesIO(content)))) < 2


@pytest.mark.slow
def test_files_of_b_t4sas_sizes_differ_by_half_a_grey_level_at_most(tmp_path):
    drawn_jpegs.draw(tmp_path / "photos", 24)
    differences = [
        difference(decode_file(file), bilinear(Image.open(file)))
        for file in (tmp_path / "photos").iterdir()
    ]
    assert 0 < np.mean(differences) <= 0.5


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
NO_PICTURES = {
    "empty": (b"", "empty", "the file is empty"),
    "text": (b"no picture at all\n" * 50, "not-an-image", "not an image"),
    "SVG": (SVG, "not-an-image", "not an image"),
    "TIFF": (encoded(noise(), "TIFF"), "not-an-image", "not an image"),
    "EPS": (encoded(noise(), "EPS"), "not-an-image", "not an image"),
    "half a JPEG": (encoded(noise(), "JPEG")[:700], "damaged", "damaged: "),
    "half a PNG": (encoded(noise(), "PNG")[:700], "damaged", "damaged: "),
    "half a WebP": (encoded(noise(), "WEBP")[:700], "damaged", "damaged: "),
    "half an AVIF": (encoded(noise(), "AVIF")[:700], "damaged", "damaged: "),
    "half a HEIC": (icc_profiles.HEIC.read_bytes()[:700], "damaged", "damaged: "),
}
"""A file, and the code and the reason that its error must have."""


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_whole_picture_is_refused_with_a_code_and_the_reason(name):
    content, code, reason = NO_PICTURES[name]
    with pytest.raises(BadImage, match=reason) as refused:
        decode(content)
    assert refused.value.code == code


def test_an_error_comes_whole_from_another_process():
    with pytest.raises(BadImage) as refused:
        decode(b"")
    copy = pickle.loads(pickle.dumps(refused.value))
    assert (str(copy), copy.code) == ("the file is empty", "empty")


@pytest.mark.parametrize("side", [9500, 14000])  # Pillow itself only warns of the first
def test_a_small_file_of_too_many_pixels_is_refused(side):
    content = encoded(Image.new("1", (side, side)), "PNG")
    with pytest.raises(BadImage, match="more than 89,478,485 pixels") as refused:
        decode(content)
    assert refused.value.code == "beyond-limits"


MISSING = {
    "missing": "missing.jpg",
    "in a file": "text.txt/photo.jpg",
    "longer than a name can be": "x" * 300 + ".jpg",
}


@pytest.mark.parametrize("name", MISSING)
def test_a_path_without_a_file_is_refused(name, tmp_path):
    (tmp_path / "text.txt").touch()
    with pytest.raises(BadImage, match="no such file") as refused:
        decode_file(tmp_path / MISSING[name])
    assert refused.value.code == "missing"


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path):
    pipe, link, unix = tmp_path / "pipe.jpg", tmp_path / "link.jpg", tmp_path / "socket.jpg"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    writer = threading.Timer(10, lambda: pipe.write_bytes(b""))  # a reader that waits gets an end
    writer.start()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(unix))
        for path in (pipe, link, unix, "/dev/null"):
            with pytest.raises(BadImage, match=r"^no regular file$"):
                decode_file(path)
    writer.cancel()
    with pytest.raises(BadImage, match=r"^a folder, not a file$"):
        decode_file(tmp_path)


def test_a_file_too_large_is_refused_unread(tmp_path):
    file = tmp_path / "large.jpg"
    with file.open("wb") as sparse:
        sparse.truncate(MAX_BYTES + 1)
    with pytest.raises(BadImage, match=r"67,108,865 bytes; at most 67,108,864 are read"):
        decode_file(file)


def decodes_or_is_refused(content: bytes) -> None:
    try:
        image = decode(content)
    except BadImage as bad:
        assert str(bad)
    else:
        assert image.shape == (224, 224, 3)
        assert image.dtype == np.uint8


@settings(deadline=None)
@given(
    st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBP",
                     b"GIF89a", b"BM", b"\0\0\0\x20ftypavif", b"\0\0\0\x20ftypheic"]),
    st.binary(),
)  # fmt: skip
def test_any_bytes_decode_or_are_refused(magic, content):
    decodes_or_is_refused(magic + content)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_real_photo_decodes_or_is_refused(shared, data):
    file = min((shared / "data" / "dogs").rglob("*.jpg"), key=lambda file: file.stat().st_size)
    content = bytearray(file.read_bytes())
    # The first 700 bytes are the headers, where damage does most.
    places = st.integers(0, 700) | st.integers(0, len(content) - 1)
    for place, value in data.draw(st.dictionaries(places, st.integers(0, 255), max_size=5)).items():
        content[place] = value
    decodes_or_is_refused(bytes(content[: data.draw(places | st.just(len(content)))]))
