"""A proxy before the service, as the example in scripts/README.md makes nginx one."""

import re
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from helpers.scripts import ROOT
from helpers.serving import Server

README = (ROOT / "scripts" / "README.md").read_text()


class Proxy(BaseHTTPRequestHandler):
    """Hands requests on; the part of nginx that the example uses."""

    location = re.search(r"^location (\S+) {$", README, re.MULTILINE)[1]
    target = re.search(r"proxy_pass http://127.0.0.1:8000(\S*);", README)[1]
    port: int

    def hand_on(self) -> None:
        path = self.path
        if self.target:
            assert path.startswith(self.location)
            path = self.target + path.removeprefix(self.location)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request(self.command, path, body, dict(self.headers))
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.read())
        connection.close()

    do_GET = do_HEAD = do_POST = hand_on

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def behind(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service with the flags of the example."""
    flags = re.search(r"serve.py (--allowed-hosts .*)", README)[1].split()
    server = Server(model, tmp_path_factory.mktemp("server"), *flags)
    yield server
    server.stop()


@pytest.fixture
def proxy(behind: Server) -> Iterator[Callable[[str], str]]:
    """Starts the example's proxy with a `proxy_pass` that ends so, and returns its address."""
    proxies = []

    def started(target: str = Proxy.target) -> str:
        handler = type("Handler", (Proxy,), {"port": behind.port, "target": target})
        proxies.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=proxies[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{proxies[-1].server_port}"

    yield started
    for one in proxies:
        one.shutdown()
        one.server_close()
