"""The service behind a proxy: under the proxy's name, and under a path of its site."""

import re

import httpx
import pytest
from helpers.proxy import Proxy
from helpers.serving import PREDICT, plain, problem

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model


@pytest.mark.parametrize("target", [Proxy.target, ""], ids=["path taken off", "path left on"])
def test_it_lives_under_a_path_of_another_site(proxy, target, behind):
    site = proxy(target) + "/sentiment"
    page = httpx.get(f"{site}/", headers={"Host": "example.org"})
    assert page.headers["cache-control"] == "no-cache"
    for address in re.findall('(?:src|href)="([^"]+)"', page.text):
        answer = httpx.get(f"{site}/{address}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    own = {"Host": "example.org:8443", "Origin": "https://example.org:8443"}
    assert httpx.post(site + PREDICT, content=plain(), headers=own).status_code == 200
    answer = httpx.post(site + PREDICT, content=plain(), headers=own | {"Origin": "https://a.org"})
    assert answer.json()["type"] == "/sentiment/docs#other-site"
    for path in ("/nothing", "/page/nothing"):
        answer = httpx.get(site + path)
        assert answer.json()["type"] == "/sentiment/docs#not-found"
        assert "/sentiment/docs lists" in answer.json()["detail"]
    assert httpx.get(f"{site}/openapi.json").json()["servers"] == [{"url": "/sentiment"}]
    assert httpx.get(f"{site}/docs/").headers["location"] == "/sentiment/docs"
    if not target:  # nginx does so itself where it takes the path off
        assert httpx.get(site).headers["location"] == "/sentiment/"
    assert 'path="/v1/predict",status="200"' in httpx.get(f"{behind.url}/metrics").text


def test_only_the_names_that_were_given_lead_to_it(behind):
    for host in ("example.org", "EXAMPLE.org:443", "localhost:1", "[::1]:80"):
        answer = httpx.get(f"{behind.url}/healthz", headers={"Host": host})
        assert answer.status_code == 200
    for host in ("evil.example", "example.org.evil.example", "x.example.org", "127.0.0.1.nip.io"):
        answer = httpx.get(f"{behind.url}/healthz", headers={"Host": host})
        assert answer.json()["type"] == "/sentiment/docs#other-site"
        assert f"--allowed-hosts gives, not to {host}." in answer.json()["detail"]
        assert answer.status_code == 421


def test_names_can_be_given_where_other_machines_reach_it(serve):
    server = serve("--host", "0.0.0.0", "--allowed-hosts", "example.org", "[2001:db8::1]")
    for host, status in {"example.org": 200, "[2001:db8::1]:80": 200, "10.0.0.9": 421}.items():
        answer = httpx.get(f"{server.url}/healthz", headers={"Host": host})
        assert answer.status_code == status
    answer = httpx.get(server.url, headers={"Host": "my.example"})
    problem(answer, 421, "other-site")
