"""Frame rates that devices send, and that only a service which was told to keeps."""

import httpx
import pytest
from helpers.frame_rates import measurement
from helpers.serving import Server, problem

from sentiment.runs import frame_rate

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model

ADDRESS = "/v1/measurements"


def test_only_whole_measurements_are_kept_and_only_where_asked_for(
    server, model, tmp_path, tmp_path_factory
):
    problem(httpx.post(server.url + ADDRESS, json=measurement()), 404, "not-found")
    folder = tmp_path / "new" / "folder"
    flags = ("--keep-measurements", folder)
    keeping = Server(model, tmp_path_factory.mktemp("server"), *flags, may_write=True)
    address = keeping.url + ADDRESS
    assert httpx.post(address, json=measurement(frames=7)).status_code == 204
    for wrong in (
        measurement(frames=0),
        measurement(name="x" * 401),
        measurement(seconds=float("inf")) | {"seconds": "1e999"},
        measurement() | {"photo": "more"},
        [1, 2],
    ):
        problem(httpx.post(address, json=wrong), 422, "bad-request")
    problem(httpx.post(address, content=b"no JSON"), 422, "bad-request")
    problem(httpx.post(address, content=bytes(20_000)), 413, "too-large")
    problem(httpx.post(address, json={}, headers={"Origin": "http://evil.example"}), 403,
            "other-site")  # fmt: skip
    (file,) = folder.iterdir()
    assert frame_rate.read(file).frames == 7
    for number in range(999):
        (folder / f"{number}.json").touch()
    problem(httpx.post(address, json=measurement()), 507, "full")
    keeping.stop()
