"""The service's limits: bytes, files, memory, time, connections, overload, and its end."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from helpers.serving import EXPLAIN, PREDICT, form, plain, problem

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model


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
