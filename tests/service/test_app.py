"""The service as a process, asked over HTTP: its answers and errors, and its description."""

import asyncio
import io
import socket
import subprocess
import sys
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest
from helpers.serving import EXPLAIN, PREDICT, encoded, form, plain, problem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model

# Answers


def test_a_photo_gets_what_decoding_and_litert_give(server, photos, alone):
    for file in photos:
        content = file.read_bytes()
        answer = server.post(PREDICT, content, headers={"Content-Type": "image/jpeg"}).json()
        assert answer["model"]["name"] == "fc_layers_mobilenet"
        assert answer["model"]["dataset"] == "t4sa"
        assert len(answer["model"]["version"]) == 12
        (photo,) = answer["photos"]
        expected = alone(content)
        assert list(photo["probabilities"]) == ["negative", "neutral", "positive"]
        np.testing.assert_allclose(list(photo["probabilities"].values()), expected, atol=1e-6)
        assert photo["label"] == ["negative", "neutral", "positive"][expected.argmax()]
        assert (photo["width"], photo["height"]) == Image.open(file).size
        assert photo["decode_ms"] > 0
        assert photo["inference_ms"] > 0


def test_photos_of_a_form_are_answered_in_their_order(server, photos):
    contents = [file.read_bytes() for file in photos]
    answer = httpx.post(server.url + PREDICT, **form(*contents), timeout=60).json()
    one_by_one = [server.post(PREDICT, content).json()["photos"][0] for content in contents]
    assert [p["probabilities"] for p in answer["photos"]] == [
        p["probabilities"] for p in one_by_one
    ]


def pictures() -> st.SearchStrategy[bytes]:
    """Pictures of any kind that the service reads."""
    size = st.tuples(st.integers(1, 90), st.integers(1, 90))
    modes = {
        "JPEG": ("L", "RGB", "CMYK"),
        "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
        "WEBP": ("RGB", "RGBA"),
        "GIF": ("L", "P"),
        "BMP": ("1", "L", "P", "RGB"),
    }

    def draw(kind: tuple[str, str], size: tuple[int, int], seed: int, turned: int) -> bytes:
        form, mode = kind
        noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), np.uint8)
        image = Image.fromarray(noise, "RGBA")
        image = image.convert("L").convert("I;16") if mode == "I;16" else image.convert(mode)
        exif = Image.Exif()
        exif[0x0112] = turned
        return encoded(image, form, **({"exif": exif} if form in ("JPEG", "PNG", "WEBP") else {}))

    kinds = st.sampled_from([(form, mode) for form in modes for mode in modes[form]])
    return st.builds(draw, kinds, size, st.integers(0, 99), st.integers(1, 8))


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pictures())
def test_any_picture_gets_what_decoding_and_litert_give(server, alone, content):
    answer = server.post(PREDICT, content)
    assert answer.status_code == 200, answer.text
    (photo,) = answer.json()["photos"]
    given = list(photo["probabilities"].values())
    np.testing.assert_allclose(given, alone(content), atol=1e-6)
    with Image.open(io.BytesIO(content)) as image:
        sideways = image.getexif().get(0x0112, 1) >= 5
        assert (photo["width"], photo["height"]) == image.size[:: -1 if sideways else 1]


def test_a_heat_map_says_how_far_the_probability_falls(server, photos, alone):
    from sentiment.data.decode import decode

    content = photos[0].read_bytes()
    answer = server.post(EXPLAIN, content).json()
    label = list(answer["probabilities"]).index(answer["label"])
    importance = np.array(answer["importance"])
    assert importance.shape == (7, 7)

    # A cell in the middle and one in a corner, by hand.
    pixels = decode(content)
    mean = pixels.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    for row, column in ((3, 4), (0, 6)):
        falls = []
        for top in (row - 1, row):
            for left in (column - 1, column):
                covered = pixels.copy()
                covered[max(0, top) * 32 : (top + 2) * 32, max(0, left) * 32 : (left + 2) * 32] = (
                    mean
                )
                fallen = alone(encoded(Image.fromarray(covered), "PNG"))[label]
                falls.append(answer["probabilities"][answer["label"]] - fallen)
        assert importance[row, column] == pytest.approx(np.mean(falls), abs=1e-5)


def test_the_model_is_described_but_not_the_machine_that_trained_it(server):
    answer = httpx.get(f"{server.url}/v1/model")
    card = answer.json()
    assert card["class_names"] == ["negative", "neutral", "positive"]
    assert '"max_bytes":16777216,' in answer.text  # bytes are whole
    assert card["formats"] == ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF", "HEIF"]
    assert card["card"]["export"] == {"exported": {"n": 90, "correct": 45}}
    assert card["card"]["recipe"] == {"layers": "fc", "weights": "weights.h5"}
    assert "/home/me" not in answer.text
    assert "my-machine" not in answer.text


def test_it_says_that_it_lives_and_counts(server):
    for path in ("/healthz", "/readyz"):
        assert httpx.get(server.url + path).json() == {"status": "ok"}
    httpx.get(f"{server.url}/no/such/page")
    before = httpx.get(f"{server.url}/metrics").text
    assert 'sentiment_requests_total{path="other",status="404"}' in before
    server.post(PREDICT, plain())
    after = httpx.get(f"{server.url}/metrics").text

    def count(text: str) -> float:
        line = 'sentiment_requests_total{path="/v1/predict",status="200"} '
        return float(text.partition(line)[2].split("\n", 1)[0] or 0)

    assert count(after) == count(before) + 1
    assert 'sentiment_stage_seconds_count{stage="decode"}' in after
    assert "sentiment_unfinished 0.0" in after
    assert "process_resident_memory_bytes" in after


def test_a_check_of_a_balancer_is_answered(server):
    for path in ("/", "/docs", "/healthz", "/readyz", "/metrics", "/v1/model", "/openapi.json",
                 "/page/page.css"):  # fmt: skip
        whole, head = httpx.get(server.url + path), httpx.head(server.url + path)
        assert head.status_code == whole.status_code == 200
        assert head.content == b""
        assert head.headers["content-type"] == whole.headers["content-type"]
        assert "default-src 'none'" in head.headers["content-security-policy"]
    assert httpx.head(server.url + PREDICT).status_code == 405
    assert httpx.head(f"{server.url}/healthz", headers={"Host": "evil.example"}).status_code == 421
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'{"status":"ok"}')


# Errors


def jpeg_of_many_scans(scans: int) -> bytes:
    whole = plain(64, 64, "JPEG", progressive=True)
    start = whole.rindex(b"\xff\xda")
    return whole[:start] + whole[start:-2] * scans + whole[-2:]


def gif_of(frames: int) -> bytes:
    head = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"
    return head + b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0" * frames + b";"


def png_bomb(side: int) -> bytes:
    """A PNG that says it is side x side pixels, in a few bytes."""
    small = plain()
    size = side.to_bytes(4, "big") * 2
    header = b"IHDR" + size + small[24:29]
    return small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]


def webp_bomb(side: int) -> bytes:
    """A WebP that says it is side x side pixels, in a few bytes."""
    small = plain(form="WEBP", lossless=True)
    size = (side - 1) | (side - 1) << 14
    return small[:21] + size.to_bytes(4, "little") + small[25:]


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1/x.png"/></svg>'

JPEG, PNG = plain(form="JPEG"), plain()
NOISE = encoded(Image.effect_noise((90, 90), 90), "PNG")
NO_IMAGE, TOO_MUCH = "not-an-image", "beyond-limits"
PNG_TEXT = b"\0\0\0\3tEXta\0b" + zlib.crc32(b"tEXta\0b").to_bytes(4, "big")

BAD_PHOTOS = {
    "empty": (b"", "empty", "the file is empty"),
    "text": (b"no photo at all", NO_IMAGE, "not an image (JPEG, PNG, WEBP"),
    "SVG": (SVG, NO_IMAGE, "not an image"),
    "TIFF": (encoded(Image.new("L", (9, 9)), "TIFF"), NO_IMAGE, "not an image"),
    "half a PNG": (NOISE[:3000], "damaged", "damaged: "),
    "a bomb": (png_bomb(30_000), TOO_MUCH, "more than 50,000,000 pixels"),
    "a WebP bomb": (webp_bomb(16_383), TOO_MUCH, "more than 50,000,000 pixels"),
    "1,001 frames": (gif_of(1001), TOO_MUCH, "more than 1,000 frames"),
    "102 scans": (jpeg_of_many_scans(102), TOO_MUCH, "more than 100 scans"),
    "a JPEG of comments": (
        b"\xff\xd8" + b"\xff\xfe\0\2" * 20_000 + JPEG[2:], TOO_MUCH, "more than 10,6",
    ),
    "a JPEG of filling": (b"\xff\xd8" + b"\xff" * 20_000 + JPEG[2:], TOO_MUCH, "more than 10,1"),
    "a PNG of empty parts": (PNG[:33] + PNG_TEXT * 20_000 + PNG[33:], TOO_MUCH, "more than 12,3"),
    "a GIF of comments": (
        gif_of(1)[:-1] + b"\x21\xfe\1x\0" * 20_000 + b";", TOO_MUCH, "more than 10,7",
    ),
}  # fmt: skip
"""A file, and the code and the reason that its problem must have."""


@pytest.mark.parametrize("name", BAD_PHOTOS)
def test_a_file_that_is_no_photo_gets_422_with_a_code_and_the_reason(server, name):
    content, code, reason = BAD_PHOTOS[name]
    (photo,) = problem(server.post(PREDICT, content), 422, "bad-photo")["photos"]
    assert photo["code"] == code
    assert reason in photo["detail"]


def test_what_is_just_within_the_limits_is_taken(server):
    for content in (gif_of(1000), jpeg_of_many_scans(10), plain(7000, 7000)):
        assert server.post(PREDICT, content).status_code == 200
    for name in ("photo.exe", "../../etc/passwd", "x" * 3000):
        files = {"files": [("photo", (name, plain(), "text/html"))]}
        assert httpx.post(server.url + PREDICT, **files).status_code == 200


def test_a_picture_that_is_also_something_else_is_only_a_picture(server, alone):
    for tail in (b"<script>alert(1)</script>", b"PK\x03\x04" + b"\0" * 50, SVG):
        content = plain(form="JPEG") + tail
        (photo,) = server.post(PREDICT, content).json()["photos"]
        given = list(photo["probabilities"].values())
        np.testing.assert_allclose(given, alone(plain(form="JPEG")), atol=1e-6)


def test_of_several_photos_the_bad_ones_are_named(server):
    answer = httpx.post(server.url + PREDICT, **form(plain(), b"no photo", plain(), b""))
    photos = problem(answer, 422, "bad-photo")["photos"]
    assert [(p["photo"], p["code"]) for p in photos] == [(1, "not-an-image"), (3, "empty")]


def test_an_address_or_method_that_is_not_there_is_a_problem(server):
    problem(httpx.get(f"{server.url}/nothing"), 404, "not-found")
    problem(httpx.get(f"{server.url}/page/nothing"), 404, "not-found")
    problem(httpx.get(f"{server.url}/page/../app.py"), 404, "not-found")
    answer = httpx.get(server.url + PREDICT)
    assert "it takes POST" in problem(answer, 405, "wrong-method")["detail"]
    assert answer.headers["allow"] == "POST"
    for path in ("/healthz", "/page/page.css"):
        answer = httpx.delete(server.url + path)
        assert "it takes GET, HEAD" in problem(answer, 405, "wrong-method")["detail"]
        assert answer.headers["allow"] == "GET, HEAD"


def test_a_body_of_another_type_is_a_problem(server):
    for headers in (
        {"Content-Type": "application/json"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "image/png", "Content-Encoding": "gzip"},
    ):
        answer = server.post(PREDICT, plain(), headers=headers)
        assert "image/webp" in problem(answer, 415, "wrong-type")["detail"]


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
BAD_FORMS = {
    "no boundary": ({"Content-Type": "multipart/form-data"}, b"--b--"),
    "a boundary too long": ({"Content-Type": "multipart/form-data; boundary=" + "b" * 999}, b""),
    "not begun": (BOUNDARY, b"hello"),
    "not ended": (BOUNDARY, b"--b\r\nContent-Disposition: form-data\r\n\r\nhello"),
    "no part": (BOUNDARY, b"--b--\r\n"),
    "a header without end": (BOUNDARY, b"--b\r\nA: " + b"a" * 10**6),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_a_form_that_cannot_be_read_is_a_problem(server, name):
    headers, content = BAD_FORMS[name]
    problem(server.post(PREDICT, content, headers=headers), 400, "bad-request")


FILE = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="%s"\r\n%s\r\n%s\r\n'
FIELD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
NO_FILE = FILE % (b"", b"Content-Type: application/octet-stream\r\n", b"")  # a browser's, unchosen
TYPED = b"--b\r\nContent-Disposition: form-data\r\nContent-Type: image/png\r\n\r\n%s\r\n"
REAL = FILE % (b"a.png", b"", PNG)
END = b"--b--\r\n"
NO_PHOTO = "The form has no photo; send one as a file, as curl -F photo=@photo.jpg does."

FORMS_BESIDE_PHOTOS = {
    "a preamble and an epilogue": (b"This is a form.\r\nSkip it.\r\n" + REAL + END + b"Bye", 1),
    "a preamble with bare boundaries": (b"x--b\n--b \r\r\n" + REAL + END, 1),
    "fields before and behind": (FIELD % (b"by", b"me") + REAL + FIELD % (b"x", b"") + END, 1),
    "files that were not chosen": (NO_FILE + REAL + NO_FILE * 20 + END, 1),
    "a photo without a name": (TYPED % PNG + FILE % (b"", b"", PNG) + END, 2),
    "fields alone": (FIELD % (b"photo", PNG) + END, NO_PHOTO),
    "no file chosen": (NO_FILE + END, NO_PHOTO),
    "nothing": (END, NO_PHOTO),
    "too many fields": (FIELD % (b"x", b"") * 1100 + REAL + END, "At most 1,000 fields"),
    "a file of a name and no bytes": (FILE % (b"a.png", b"", b"") + END, "the file is empty"),
}
"""Forms, and the number of their photos or what is said to be wrong."""


@pytest.mark.parametrize("name", FORMS_BESIDE_PHOTOS)
def test_what_a_form_holds_beside_photos_is_passed_over(server, name):
    content, expected = FORMS_BESIDE_PHOTOS[name]
    whole = server.post(PREDICT, content, headers=BOUNDARY)
    in_bytes = server.post(PREDICT, iter([bytes([byte]) for byte in content[:700]] +
                                         [content[700:]]), headers=BOUNDARY)  # fmt: skip
    for answer in (whole, in_bytes):
        if isinstance(expected, int):
            assert len(answer.json()["photos"]) == expected
        else:
            assert expected in answer.json()["detail"]


def test_what_is_not_http_is_a_problem(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"hello\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer


def test_a_fault_is_a_problem_that_tells_nothing_of_the_inside(model, monkeypatch):
    from sentiment.service import app
    from sentiment.service.limits import Limits

    service = app.Service(model, 1, Limits())
    monkeypatch.setattr(service, "predict", lambda request: 1 / 0)
    built = app.build(service, None, (), None)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(built, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post(PREDICT, content=plain())

    answer = asyncio.run(ask())
    service.workers.close()
    assert "division" not in str(problem(answer, 500, "fault"))
    assert "default-src 'none'" in answer.headers["content-security-policy"]


# The description of the API


def test_every_code_of_a_bad_photo_is_described(server):
    description = httpx.get(f"{server.url}/openapi.json").json()
    answers = description["paths"][PREDICT]["post"]["responses"]
    schema = answers["422"]["content"]["application/problem+json"]["schema"]
    codes = schema["properties"]["photos"]["items"]["properties"]["code"]["enum"]
    assert {code for _, code, _ in BAD_PHOTOS.values()} == set(codes)
    for code in codes:
        assert f"| `{code}` |" in description["info"]["description"]


def test_the_service_keeps_to_its_openapi_description(server, tmp_path):
    program = Path(sys.executable).with_name("schemathesis")
    flags = [
        "--max-examples", "10", "--phases", "examples,coverage,fuzzing", "--workers", "2",
        "--checks", "all", "--exclude-checks", "positive_data_acceptance,negative_data_rejection",
        "--generation-database", "none", "--no-color",
    ]  # fmt: skip
    command = [program, "run", f"{server.url}/openapi.json", *flags]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
