"""Connections that do not wait for ever: what uvicorn leaves to a proxy before it."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from sentiment.service.limits import Limits
from sentiment.service.problems import Problem


def protocol(limits: Limits) -> type[H11Protocol]:
    """The class of connections within the limits, for uvicorn, which makes them itself."""

    class Limited(Connection):
        """A connection of one service."""

    Limited.limits = limits
    return Limited


class Connection(H11Protocol):
    """Ends when headers come or an answer is read too slowly; at once where there are too many."""

    limits: ClassVar[Limits]
    _timer: asyncio.TimerHandle | None = None

    # asyncio hints at any transport, and uvicorn, which says so too, at one that can be written to.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > self.limits.max_connections:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._stop()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start(self.limits.max_seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop()

    def _watch(self) -> None:
        """Run the timer while no request is being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        else:
            self._start(self.limits.max_header_seconds)

    def _start(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def send_400_response(self, reason: str) -> None:
        problem = Problem(400, "bad-request", "This is not HTTP as RFC 9112 has it.")
        response = problem.response(self.root_path)
        head = [b"HTTP/1.1 400 Bad Request", b"connection: close"]
        head += [b": ".join(header) for header in response.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", response.body]))
        self.transport.close()
