"""The service's addresses and what each answers."""

import asyncio
import contextlib
import functools
import importlib.resources
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from sentiment.base.errors import BadImage, UserError
from sentiment.data.decode import FORMATS
from sentiment.inference.interpreters import answer
from sentiment.inference.litert import LitertModel
from sentiment.service import answers, device, occlusion, page_files, problems
from sentiment.service.checks import check
from sentiment.service.limits import Limits
from sentiment.service.measurements import Measurements
from sentiment.service.metrics import Measured, Metrics
from sentiment.service.normalised import Normalised
from sentiment.service.page_files import PAGE
from sentiment.service.problems import PhotoProblem, Problem
from sentiment.service.security import Guarded, key_check
from sentiment.service.uploads import PHOTO_TYPES, Uploads
from sentiment.service.workers import Workers

Result = TypeVar("Result")

CARD = (
    "architecture", "imported", "recipe", "percent", "data_fingerprint", "start", "best_epoch",
    "best_val_accuracy", "versions", "git_commit", "export",
)  # fmt: skip
"""Keys of a model's card that the API tells: not the machine, its folders or who trained it."""


def _rows(title: str, meanings: Iterable[tuple[str, str]]) -> str:
    """A table of words and their meanings, in Markdown."""
    rows = [f"| `{word}` | {meaning} |" for word, meaning in meanings]
    return "\n".join([f"| {title} | meaning |", "| --- | --- |", *rows])


DESCRIPTION = f"""Tells the sentiment of photos. A photo is decoded as the training data were: its
first frame, turned as its EXIF orientation says, transparency laid on white, squished to the size
that the network takes. No photo is written to a disk or logged.

    curl --data-binary @photo.jpg -H "Content-Type: image/jpeg" ADDRESS/v1/predict
    curl -F photo=@one.jpg -F photo=@two.png ADDRESS/v1/predict

An error is a problem detail (RFC 9457); the end of its `type` is one of:

{_rows("type", problems.KINDS.items())}

A `bad-photo` names in `photos` those that are at fault, each with a `code`, one of:

{_rows("code", problems.PHOTO_CODES.items())}
"""


class Service:
    """Answers the routes: the model's workers, the uploads, the limits and the counters.

    Args:
        model: the exported model, a .tflite file.
        threads: number of photos decoded and predicted at a time.
        limits: what clients may ask.
        measurements: folder to keep the frame rates of devices in; None: they are not kept.
    """

    def __init__(self, model: Path, threads: int, limits: Limits, measurements: Path | None = None):
        self.limits = limits
        self.workers = Workers(model, threads, limits.max_waiting)
        self.uploads = Uploads(limits)
        self.metrics = Metrics()
        self.metrics.unfinished.set_function(lambda: self.workers.unfinished)
        loaded = self.workers.interpreters
        self.card, self.class_names = loaded.card, loaded.class_names
        self.model = answers.Model(
            name=model.stem, dataset=self.card["dataset"], version=loaded.version
        )
        self.device: device.DeviceModel | None = None
        self.no_device: str | None = None
        try:
            self.device = device.device_model(model)
        except UserError as error:
            self.no_device = str(error)
        self.measurements = Measurements(measurements, limits.max_seconds) if measurements else None

    async def predict(self, request: Request) -> answers.Prediction:
        """Decode and predict the photos of a request.

        Raises:
            Problem: the body is at fault, or the service is busy or too slow.
        """
        self.workers.check_room()
        async with self.uploads.receive(request, self.limits.max_files) as files, self._in_time():
            jobs = [functools.partial(self._photo, file) for file in files]
            results = _whole(await self.workers.run(jobs))
        return answers.Prediction(model=self.model, photos=[photo for photo, _ in results])

    async def explain(self, request: Request) -> answers.Explanation:
        """Decode and predict a request's photo, and find the regions that drove the decision.

        Raises:
            Problem: the body is at fault, or the service is busy or too slow.
        """
        self.workers.check_room(1 + occlusion.WINDOWS)
        async with self.uploads.receive(request, 1) as (file,), self._in_time():
            started = time.perf_counter()
            jobs = [functools.partial(self._photo, file)]
            ((photo, pixels),) = _whole(await self.workers.run(jobs))
            label = self.class_names.index(photo.label)
            rows = [
                functools.partial(
                    occlusion.probabilities_of_row, photo=pixels, row=row, label=label
                )
                for row in range(occlusion.WINDOWS)
            ]
            covered = np.array(_whole(await self.workers.run(rows)))
        importance = occlusion.importance(photo.probabilities[photo.label], covered)
        return answers.Explanation(
            **photo.model_dump(),
            model=self.model,
            importance=importance.round(6).tolist(),
            explain_ms=round(1000 * (time.perf_counter() - started), 3),
        )

    def model_card(self) -> answers.ModelCard:
        """What the model is and what the service takes."""
        card = {name: self.card[name] for name in CARD if name in self.card}
        if "recipe" in card:  # the name of the file with weights, not its folder
            card["recipe"] = card["recipe"] | {"weights": Path(card["recipe"]["weights"]).name}
        return answers.ModelCard(
            model=self.model,
            device=self.device.answer() if self.device else None,
            no_device=self.no_device,
            keeps_measurements=self.measurements is not None,
            class_names=self.class_names,
            card=card,
            formats=list(FORMATS),
            limits=vars(self.limits),
        )

    def _photo(self, file: bytes, model: LitertModel) -> tuple[answers.Photo, np.ndarray]:
        """Decode and predict one photo, in a worker.

        Returns:
            The answer, and the photo's pixels, uint8 (side, side, 3).

        Raises:
            BadImage: the file is no picture that can be decoded, or beyond a limit.
        """
        started = time.perf_counter()
        width, height = check(file, self.limits)
        decoding = time.perf_counter() - started
        said = answer(file, model)
        decoding += said.decode_seconds
        for stage, seconds in (("decode", decoding), ("inference", said.inference_seconds)):
            self.metrics.stage_seconds.labels(stage).observe(seconds)
        self.metrics.photos.labels(said.label).inc()
        photo = answers.Photo(
            label=said.label,
            probabilities=dict(zip(self.class_names, said.probabilities.tolist(), strict=True)),
            width=width,
            height=height,
            decode_ms=round(1000 * decoding, 3),
            inference_ms=round(1000 * said.inference_seconds, 3),
        )
        return photo, said.pixels

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Give up what is still waiting when the time for an answer is over."""
        try:
            async with asyncio.timeout(self.limits.max_seconds):
                yield
        except TimeoutError:
            seconds = f"{self.limits.max_seconds:g} s"
            detail = f"The answer took more than {seconds}: the service is busy, or its model slow."
            raise Problem(504, "no-time", detail) from None


def _whole(results: Sequence[Result | BaseException]) -> list[Result]:
    """Return the workers' results if none is an error.

    Raises:
        Problem: photos are at fault.
        BaseException: the first other error.
    """
    bad: list[PhotoProblem] = []
    whole: list[Result] = []
    for place, result in enumerate(results):
        if isinstance(result, BadImage):
            bad.append(PhotoProblem(photo=place, code=result.code, detail=result.reason))
        elif isinstance(result, BaseException):
            raise result
        else:
            whole.append(result)
    if bad:
        detail = "; ".join(f"Photo {photo.photo}: {photo.detail}" for photo in bad)
        raise Problem(422, "bad-photo", detail, photos=bad)
    return whole


def build(
    service: Service,
    api_key: str | None,
    allowed_origins: Sequence[str],
    allowed_hosts: Sequence[str] | None,
) -> ASGIApp:
    """Build the whole web application.

    Args:
        service: answers the requests.
        api_key: bearer token that /v1 and /metrics want; None: they want none.
        allowed_origins: origins of pages on other sites that may use the API.
        allowed_hosts: names beside loopback's under which it is asked; None: any name.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.workers.close()

    app = FastAPI(
        title="Image sentiment",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    problems.install(app)
    app.include_router(_api(service, api_key))
    app.include_router(_pages())
    if service.device:
        device.add_runtime(app, service.device.versions)
    static = importlib.resources.files("fastapi_offline") / "static"
    app.mount("/docs/swagger", StaticFiles(directory=str(static)))
    app.mount("/page", StaticFiles(directory=PAGE))
    if allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
        )
    guarded = Guarded(Measured(app, service.metrics), allowed_origins, allowed_hosts)
    return Normalised(guarded)


def _api(service: Service, api_key: str | None) -> APIRouter:
    keyed = [Depends(key_check(api_key))] if api_key else []
    closed = APIRouter(tags=["photos"], dependencies=keyed)
    no_key = problems.describe(*([401] if api_key else []))
    posted = no_key | problems.describe(400, 403, 408, 413, 415, 421, 422, 500, 503, 504)

    @closed.post("/v1/predict", responses=posted, openapi_extra=_body(service.limits.max_files))
    async def predict(request: Request) -> answers.Prediction:
        """Predict one photo, or several at once; if one is at fault, none is answered."""
        return await service.predict(request)

    @closed.post("/v1/explain", responses=posted, openapi_extra=_body(1))
    async def explain(request: Request) -> answers.Explanation:
        """Predict one photo and say which of its regions drove the decision.

        Each region is covered in turn and the label's probability taken again: 65 predictions.
        The map shows what the model's answer rests on, not whether it is right.
        """
        return await service.explain(request)

    @closed.get("/v1/model", responses=no_key | problems.describe(421))
    async def model() -> answers.ModelCard:
        """What the model is, how it was trained, and what the service takes."""
        return service.model_card()

    if service.device:
        device.add_model(closed, service.device, no_key)
    if service.measurements:
        service.measurements.add(closed, no_key)

    @closed.get(
        "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}}
    )
    async def metrics() -> Response:
        """Counters in Prometheus' text format."""
        return service.metrics.response()

    opened = APIRouter(tags=["state"])

    @opened.get("/healthz", responses=problems.describe(421))
    async def healthz() -> answers.Status:
        """The process answers."""
        return answers.Status()

    @opened.get("/readyz", responses=problems.describe(421, 503))
    async def readyz() -> answers.Status:
        """The model is loaded and the queue has room."""
        service.workers.check_room()
        return answers.Status()

    router = APIRouter()
    router.include_router(closed)
    router.include_router(opened)
    return router


def _body(most: int) -> dict[str, Any]:
    """OpenAPI's description of a body: a photo's bytes, or a form of at most `most` photos."""
    file = {"type": "string", "format": "binary"}
    photos = {"type": "array", "items": file, "minItems": 1, "maxItems": most}
    form = {"type": "object", "properties": {"photo": photos}, "required": ["photo"]}
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    content |= {kind: {"schema": file} for kind in (*PHOTO_TYPES, "application/octet-stream")}
    return {"requestBody": {"required": True, "content": content}}


def _pages() -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.get("/")
    async def index() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @pages.get("/worker.js")
    async def worker() -> Response:
        return Response(page_files.service_worker(), media_type="text/javascript")

    @pages.get("/docs")
    async def docs() -> FileResponse:
        return FileResponse(PAGE / "docs.html")

    return pages
