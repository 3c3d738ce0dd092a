"""Who may ask, and what a browser is told to allow."""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentiment.service.problems import Problem

HEADERS = {
    "Content-Security-Policy": (
        # wasm-unsafe-eval: a browser may compile the runtime's WebAssembly, and evaluate no text.
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer."""


def _keeping(path: str) -> str:
    """What a browser may do with the answer of an address: the value of Cache-Control."""
    if path.startswith("/runtime/"):  # of a version that stands in the address
        return "max-age=31536000, immutable"
    if path in ("/", "/worker.js") or path.startswith(("/page/", "/docs")):
        return "no-cache"  # it may keep a page, if it asks each time whether the page has changed
    return "no-store"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`, a name or an address to listen on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def key_check(key: str) -> Callable[..., Awaitable[None]]:
    """A dependency of routes that refuses requests without the key.

    The dependency raises a Problem, 401.
    """
    bearer = HTTPBearer(auto_error=False, description="The key in the service's key file.")

    async def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        # Compared in constant time: how long it takes tells nothing of the key.
        if not given or not hmac.compare_digest(given.credentials.encode(), key.encode()):
            detail = "The API key is missing or wrong; send it as Authorization: Bearer KEY."
            raise Problem(401, "no-key", detail, {"WWW-Authenticate": "Bearer"})

    return check


class Guarded:
    """Puts HEADERS on every answer of an app, and keeps other web sites out.

    A page of another site, open in a browser on this machine, can send requests to loopback,
    and a name that its owner points to 127.0.0.1 makes it read the answers too.

    Args:
        app: the application behind.
        origins: origins of pages on other sites that may send photos.
        hosts: names beside loopback's under which the service is asked; None: any name.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str], hosts: Collection[str] | None):
        self.app, self.origins = app, origins
        self.hosts = None if hosts is None else {host.strip("[]").lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        path = scope["path"].removeprefix(scope["root_path"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Cache-Control"] = _keeping(path)
            await send(message)

        problem = self._problem(scope["method"], Headers(scope=scope))
        app = problem.response(scope["root_path"]) if problem else self.app
        await app(scope, receive, send_with_headers)

    def _problem(self, method: str, headers: Headers) -> Problem | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        # A browser always names the host, so a request without one comes from no web page.
        if host and not self._leads_here(host):
            detail = (
                "This service answers only to localhost, 127.0.0.1, [::1] and the names that "
                f"--allowed-hosts gives, not to {host[:80]}."
            )
            return Problem(421, "other-site", detail)
        own = bool(host) and origin is not None and urlsplit(origin).netloc == host
        if not (origin is None or own or origin in self.origins) and method not in ("GET", "HEAD"):
            detail = "Pages of this origin may not send photos; --allowed-origins lets them."
            return Problem(403, "other-site", detail)
        return None

    def _leads_here(self, host: str) -> bool:
        """Whether a Host header holds a name under which the service may be asked."""
        if self.hosts is None:
            return True
        name = urlsplit(f"//{host}").hostname or ""
        return name in self.hosts or is_loopback(name)
