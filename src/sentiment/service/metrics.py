"""What the service tells Prometheus, under /metrics."""

import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24)
"""Upper bounds of the histograms' buckets, in seconds."""


class Metrics:
    """The service's counters, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "sentiment_requests", "Answers.", ("path", "status"), registry=self._registry
        )
        self.request_seconds = Histogram(
            "sentiment_request_seconds", "From a request's headers to the end of its answer.",
            ("path",), buckets=BUCKETS, registry=self._registry,
        )  # fmt: skip
        self.stage_seconds = Histogram(
            "sentiment_stage_seconds", "Decoding or inference of a photo.", ("stage",),
            buckets=BUCKETS, registry=self._registry,
        )  # fmt: skip
        self.photos = Counter(
            "sentiment_photos", "Photos predicted, by label.", ("label",), registry=self._registry
        )
        self.unfinished = Gauge(
            "sentiment_unfinished", "Pieces of work that wait or are being done.",
            registry=self._registry,
        )  # fmt: skip

    def response(self) -> Response:
        """All counters in Prometheus' text format."""
        content = generate_latest(self._registry)
        return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})


class Measured:
    """Counts the answers of an app and takes their time."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = time.perf_counter()
        status = 500

        async def send_counted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, send_counted)
        finally:
            # The path of the route: addresses that somebody asks for are without number.
            path = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(path, status).inc()
            self.metrics.request_seconds.labels(path).observe(time.perf_counter() - started)
