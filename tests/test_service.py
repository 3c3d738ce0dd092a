"""The service as a process, asked over HTTP: answers, limits, errors, overload and its end."""

import asyncio
import io
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import httpx
import numpy as np
import pytest
from conftest import ROOT, refusal, start, succeed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from PIL import Image

pytest_plugins = ["serving"]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model

PREDICT, EXPLAIN = "/v1/predict", "/v1/explain"


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def plain(width: int = 30, height: int = 20, form: str = "PNG", **options: object) -> bytes:
    return encoded(Image.new("RGB", (width, height), "teal"), form, **options)


def form(*photos: bytes) -> dict:
    """Photos as httpx sends a multipart form."""
    return {"files": [("photo", (f"secret-name-{i}.jpg", p)) for i, p in enumerate(photos)]}


def problem(answer: httpx.Response, status: int, kind: str) -> dict:
    """The problem detail that an answer must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == status
    assert content["type"] == f"/docs#{kind}"
    assert content["title"]
    assert content["detail"]
    return content


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
    from sentiment.decode import decode

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
    assert card["formats"] == ["JPEG", "PNG", "WEBP", "GIF", "BMP"]
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


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1/x.png"/></svg>'

JPEG, PNG = plain(form="JPEG"), plain()
PNG_TEXT = b"\0\0\0\3tEXta\0b" + zlib.crc32(b"tEXta\0b").to_bytes(4, "big")

BAD_PHOTOS = {
    "empty": (b"", "the file is empty"),
    "text": (b"no photo at all", "not an image (JPEG, PNG, WEBP, GIF, BMP are read)"),
    "SVG": (SVG, "not an image"),
    "TIFF": (encoded(Image.new("L", (9, 9)), "TIFF"), "not an image"),
    "half a PNG": (encoded(Image.effect_noise((90, 90), 90), "PNG")[:3000], "damaged: "),
    "a bomb": (png_bomb(30_000), "more than 50,000,000 pixels"),
    "a WebP bomb": (plain(16_383, 16_383, "WEBP"), "more than 50,000,000 pixels"),
    "1,001 frames": (gif_of(1001), "more than 1,000 frames"),
    "102 scans": (jpeg_of_many_scans(102), "more than 100 scans"),
    "a JPEG of comments": (b"\xff\xd8" + b"\xff\xfe\0\2" * 20_000 + JPEG[2:], "more than 10,6"),
    "a JPEG of filling": (b"\xff\xd8" + b"\xff" * 20_000 + JPEG[2:], "more than 10,1"),
    "a PNG of empty parts": (PNG[:33] + PNG_TEXT * 20_000 + PNG[33:], "more than 12,3"),
    "a GIF of comments": (gif_of(1)[:-1] + b"\x21\xfe\1x\0" * 20_000 + b";", "more than 10,7"),
}


@pytest.mark.parametrize("name", BAD_PHOTOS)
def test_a_file_that_is_no_photo_gets_422_with_the_reason(server, name):
    content, reason = BAD_PHOTOS[name]
    detail = problem(server.post(PREDICT, content), 422, "bad-photo")
    assert reason in detail["photos"][0]["detail"]


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
    assert [p["photo"] for p in problem(answer, 422, "bad-photo")["photos"]] == [1, 3]


def test_an_address_or_method_that_is_not_there_is_a_problem(server):
    problem(httpx.get(f"{server.url}/nothing"), 404, "not-found")
    problem(httpx.get(f"{server.url}/page/nothing"), 404, "not-found")
    problem(httpx.get(f"{server.url}/page/../app.py"), 404, "not-found")
    answer = httpx.get(server.url + PREDICT)
    assert "it takes POST" in problem(answer, 405, "wrong-method")["detail"]
    assert answer.headers["allow"] == "POST"


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
    built = app.build(service, None, (), loopback=False)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(built, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post(PREDICT, content=plain())

    answer = asyncio.run(ask())
    service.workers.close()
    assert "division" not in str(problem(answer, 500, "fault"))
    assert "default-src 'none'" in answer.headers["content-security-policy"]


# Limits


def chunks(size: int) -> Iterator[bytes]:
    """A body without a length."""
    for _ in range(size // 10_000):
        yield b"\xff" * 10_000


def test_bytes_and_files_are_limited_with_and_without_a_length(serve):
    server = serve("--max-bytes", 50_000, "--max-request-bytes", 120_000, "--max-files", 3)
    for content in (b"\xff" * 60_000, chunks(60_000), chunks(20_000_000)):
        answer = server.post(PREDICT, content)
        assert "at most 50,000" in problem(answer, 413, "too-large")["detail"]
    for photos, most in {
        (b"\xff" * 60_000,): "50,000",
        (b"\xff" * 45_000,) * 3: "120,000",
        (plain(),) * 4: "3 photos",
    }.items():
        answer = httpx.post(server.url + PREDICT, **form(*photos))
        assert f"t most {most}" in problem(answer, 413, "too-large")["detail"]
    answer = httpx.post(server.url + EXPLAIN, **form(plain(), plain()))
    assert "At most 1 photo" in problem(answer, 413, "too-large")["detail"]
    assert httpx.post(server.url + PREDICT, **form(*[plain()] * 3)).status_code == 200


def test_the_memory_for_all_uploads_is_limited(serve):
    flags = ("--max-bytes", "--max-request-bytes", "--max-received-bytes")
    server = serve(*(word for flag in flags for word in (flag, 50_000)))
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + b"x" * 30_000)
        time.sleep(0.5)
        problem(server.post(PREDICT, b"x" * 30_000), 503, "busy")
    time.sleep(0.5)
    problem(server.post(PREDICT, b"x" * 30_000), 422, "bad-photo")


def test_a_slow_client_is_not_waited_for(serve):
    server = serve("--max-seconds", 1, "--max-header-seconds", 1)

    def trickle(head: bytes) -> bytes:
        """Send a request's head, then a byte now and then, and return what comes back."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(head)
            answer = b""
            for _ in range(60):
                try:
                    connection.sendall(b"x")
                    connection.settimeout(0.1)
                    received = connection.recv(1000)
                except TimeoutError:
                    continue
                except OSError:
                    return answer
                if not received:
                    return answer
                answer += received
        raise AssertionError("still connected")

    assert trickle(b"") == b""
    assert trickle(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX: ") == b""
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    answer = trickle(head)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"/docs#too-slow" in answer
    assert server.post(PREDICT, plain()).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(serve):
    server = serve("--max-seconds", 1, "--threads", 1)
    answer = httpx.post(server.url + PREDICT, **form(*[plain(6000, 6000)] * 16), timeout=60)
    assert "more than 1 s" in problem(answer, 504, "no-time")["detail"]
    while "sentiment_unfinished 0.0" not in httpx.get(f"{server.url}/metrics").text:
        time.sleep(0.1)
    assert server.post(PREDICT, plain()).status_code == 200


def test_connections_are_limited(serve):
    server = serve("--max-connections", 3)
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
    time.sleep(0.5)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/healthz")
    for connection in held:
        connection.close()
    time.sleep(0.5)
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_under_overload_it_says_so_at_once_and_recovers(serve):
    server = serve("--threads", 1, "--max-waiting", 16)

    async def storm() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as client:
            heavy = {"Content-Type": "image/png"}
            content = plain(3000, 3000)
            return await asyncio.gather(
                *(client.post(PREDICT, content=content, headers=heavy) for _ in range(60))
            )

    answers = asyncio.run(storm())
    refused = [a for a in answers if a.status_code == 503]
    assert 0 < len(refused) < 60
    for answer in refused:
        problem(answer, 503, "busy")
        assert int(answer.headers["retry-after"]) >= 1
    served = [a.json()["photos"][0]["probabilities"] for a in answers if a not in refused]
    assert len(served) >= 17
    assert all(probabilities == served[0] for probabilities in served)
    assert server.post(PREDICT, plain()).status_code == 200
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_a_signal_ends_it_when_what_is_under_way_is_done(serve, photos):
    server = serve("--threads", 1)
    answers = []
    content = photos[0].read_bytes()
    sending = threading.Thread(target=lambda: answers.append(server.post(EXPLAIN, content)))
    sending.start()
    while "sentiment_unfinished 0.0" in httpx.get(f"{server.url}/metrics").text:
        time.sleep(0.01)
    server.process.send_signal(signal.SIGTERM)
    sending.join()
    assert answers[0].status_code == 200
    assert np.shape(answers[0].json()["importance"]) == (7, 7)
    assert server.process.wait(30) == 128 + signal.SIGTERM
    with pytest.raises(httpx.ConnectError):
        server.post(PREDICT, content)


# Security


def test_every_answer_tells_the_browser_to_be_strict(server):
    answers = [httpx.get(server.url + path) for path in ("/", "/docs", "/nothing", "/v1/model")]
    for answer in [*answers, server.post(PREDICT, b"no photo")]:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=(self)" in answer.headers["permissions-policy"]
        assert "server" not in answer.headers


def test_names_that_others_gave_this_machine_and_pages_of_others_are_refused(server):
    problem(httpx.get(server.url, headers={"Host": "evil.example"}), 421, "other-site")
    for origin in ("http://evil.example", "null", f"http://localhost:{server.port}0"):
        answer = server.post(PREDICT, plain(), headers={"Origin": origin})
        problem(answer, 403, "other-site")
    for name in ("localhost", "127.0.0.1"):
        address = f"http://{name}:{server.port}"
        answer = server.post(PREDICT, plain(), headers={"Origin": address, "Host": address[7:]})
        assert answer.status_code == 200


def test_an_allowed_origin_may_ask_with_a_key_and_no_one_without(serve, tmp_path):
    key, origin = "a key of sixteen".replace(" ", "-"), "https://example.org"
    (tmp_path / "key").write_text(key + "\n")
    server = serve("--api-key-file", tmp_path / "key", "--allowed-origins", origin)
    for headers in ({}, {"Authorization": f"Bearer {key}x"}, {"Authorization": "Basic eDp4"}):
        answer = server.post(PREDICT, plain(), headers=headers | {"Origin": origin})
        problem(answer, 401, "no-key")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["access-control-allow-origin"] == origin
        for path in ("/v1/model", "/metrics"):
            problem(httpx.get(server.url + path, headers=headers), 401, "no-key")
    for path in ("/", "/docs", "/openapi.json", "/healthz", "/readyz"):
        assert httpx.get(server.url + path).status_code == 200
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization"}  # fmt: skip
    assert httpx.options(server.url + PREDICT, headers=asked).status_code == 200
    headers = {"Origin": origin, "Authorization": f"Bearer {key}"}
    answer = server.post(PREDICT, plain(), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin


def test_nothing_sent_is_logged_or_written(server, photos):
    """The process may not write to any file: a spooled upload would fail."""
    large = encoded(Image.effect_noise((3000, 1500), 90), "BMP")
    answer = httpx.post(server.url + PREDICT, **form(large, large, b"no photo"), timeout=60)
    assert answer.status_code == 422
    assert httpx.post(server.url + PREDICT, **form(large, large), timeout=60).status_code == 200
    assert "secret-name" not in server.log.read_text()
    assert len(server.log.read_text().splitlines()) < 9


# The description of the API


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


# Starting it


def test_without_a_model_the_command_that_makes_one_is_named(tmp_path):
    (tmp_path / "model.keras").touch()
    for name in ("no.tflite", "model.keras"):
        line = refusal("scripts/serve.py", "--model", tmp_path / name)
        assert f"{name}: no exported model, a .tflite file" in line
        assert "python scripts/export_model.py MODEL.keras" in line


def test_a_wrong_flag_gets_one_line(model, tmp_path):
    (tmp_path / "damaged.tflite").write_bytes(model.read_bytes()[:5000])
    (tmp_path / "key").write_text("short")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for flags, expected in {
            ("--model", tmp_path / "damaged.tflite"): "damaged.tflite",
            ("--port", port): f"--port {port}: Address already in use",
            ("--port", 99999): "--port 99999: ",
            ("--host", "no.such.host.invalid"): "--host no.such.host.invalid",
            ("--allowed-origins", "example.org"): "expected such as https://example.org",
            ("--threads", 0): "--threads 0: expected 1 or more",
            ("--max-bytes", 10**9): "--max-bytes 1000000000: expected 1 to 67,108,864",
            ("--max-waiting", 4): "--max-waiting 4: expected 16 or more",
            ("--api-key-file", tmp_path / "key"): "expected a key of 16 or more",
            ("--api-key-file", tmp_path / "none"): "No such file",
            ("--api-key", "secret"): "--api-key",
        }.items():
            assert expected in refusal("scripts/serve.py", "--model", model, *flags)


def test_help_loads_no_training_library(tmp_path):
    for name in ("tensorflow", "keras", "fastapi"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('loaded for --help')")
    for script in ("scripts/serve.py", "scripts/load_test.py"):
        assert f"python {script}" in succeed(script, "--help", PYTHONPATH=str(tmp_path))


def test_the_load_test_compares_with_decoding_and_inference_alone(model, photos):
    words = ["--photos", photos[0].parent, "--model", model, "--requests", 8, "--rounds", 1]
    said = succeed("scripts/load_test.py", *words, "--steady", 20)
    assert re.search(r"2? ?threads?: [\d.]+ photos/s, CPU [\d.]+ ms a photo", said)
    rows = re.findall(r"^ +(\d+) +[\d.]+ +\d+ %( +[\d.]+){4}$", said, re.MULTILINE)
    assert [clients for clients, _ in rows] == ["1", "4", "32"]
    assert re.search(r"^ +20 +[\d.]+ MB$", said, re.MULTILINE)


def test_listening_to_others_is_said_aloud(serve):
    server = serve("--host", "0.0.0.0")
    assert "WARNING: reachable from other machines, by EVERYONE" in server.log.read_text()
    address = f"http://127.0.0.1:{server.port}/healthz"
    assert httpx.get(address, headers={"Host": "my.example"}).status_code == 200


IMPORTS = """
import sys
sys.path.insert(0, sys.argv[1])
from sentiment.service import app, connections, security, serve
print(*{name.partition(".")[0] for name in sys.modules})
"""


def requirements(file: str) -> dict[str, str]:
    """Names and version pins of a file of requirements."""
    lines = (ROOT / file).read_text().splitlines()
    lines = [line for line in lines if line and line[0] != "#"]
    return {line.partition("==")[0]: line.partition(";")[0].strip() for line in lines}


def test_the_service_imports_only_what_its_image_installs():
    wanted = list(requirements("scripts/serve_requirements.txt"))
    assert set(wanted) <= set(requirements("requirements.txt"))
    installed: set[str] = set()
    while wanted:
        name = wanted.pop().lower().replace("_", "-")
        if name not in installed:
            installed.add(name)
            required = map(Requirement, metadata.requires(name) or [])
            wanted += [r.name for r in required if not r.marker or r.marker.evaluate({"extra": ""})]
    done = start(sys.executable, "-S", "-c", IMPORTS, ROOT / "src", PYTHONPATH=":".join(sys.path))
    assert done.returncode == 0, done.stderr
    packages = metadata.packages_distributions()
    for module in done.stdout.split():
        names = {name.lower().replace("_", "-") for name in packages.get(module, [])}
        assert not names or names & installed, f"{module} is of {names}"


def test_what_the_dockerfile_copies_is_there():
    text = (ROOT / "scripts" / "Dockerfile").read_text()
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    assert copied
    default = re.search("ARG MODEL=(.*)", text)[1]
    for source in (source for sources in copied for source in sources):
        assert (ROOT / source.replace("${MODEL}", default)).exists(), source
