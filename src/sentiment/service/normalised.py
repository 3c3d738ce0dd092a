"""Requests as the routes know them, whoever sent them and whatever lies between."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Normalised:
    """Answers HEAD as GET, and takes the root path off where a proxy has left it on.

    FastAPI's routes of GET refuse HEAD, which checks of a service often use. The server leaves out
    the body of such an answer (RFC 9110, section 9.3.2).

    The server puts its root path before every path, as if a proxy had taken it off. A proxy that
    leaves it on makes it stand there twice.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_relative(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "location" in headers:  # names scheme and host as the proxy sees them
                    parts = urlsplit(headers["location"])
                    headers["location"] = parts._replace(scheme="", netloc="").geturl()
            await send(message)

        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        root = scope["root_path"]
        sent = scope["path"].removeprefix(root)
        path = sent if sent == root or sent.startswith(f"{root}/") else scope["path"]
        await self.app({**scope, "method": method, "path": path}, receive, send_relative)
