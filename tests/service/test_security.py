"""What the service keeps to itself, and whom it answers."""

import httpx
import pytest
from helpers.serving import PREDICT, encoded, form, plain, problem
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model


def test_every_answer_tells_the_browser_to_be_strict(server):
    answers = [httpx.get(server.url + path) for path in ("/", "/docs", "/nothing", "/v1/model")]
    for answer in [*answers, server.post(PREDICT, b"no photo")]:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy.replace("'wasm-unsafe-eval'", "")
        assert "worker-src 'self'; manifest-src 'self'" in policy
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
