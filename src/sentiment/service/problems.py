"""Every error as a problem detail (RFC 9457): what was wrong and what is accepted."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sentiment.base.errors import ImageFault

log = logging.getLogger(__name__)

KINDS = {
    "bad-request": "The request is not of the form that is described here.",
    "no-key": "The service wants its API key as `Authorization: Bearer KEY`.",
    "other-site": "The request comes from a web page of another origin, or under another name.",
    "not-found": "There is nothing at this address.",
    "wrong-method": "The address does not know this method.",
    "too-slow": "The request took too long to arrive.",
    "too-large": "The request, or a photo in it, has too many bytes, or it has too many photos.",
    "wrong-type": "The body is neither a photo nor a multipart form of photos.",
    "bad-photo": "A file is no picture that can be decoded, or has too many pixels or frames.",
    "fault": "The service has a fault; its log says more.",
    "no-time": "The answer took longer than the service allows.",
    "full": "The service keeps as many measurements as it takes.",
    "busy": "The service has as much work as it takes; try again after `Retry-After` seconds.",
}
"""The last part of a problem's type, and what it means."""

PHOTO_CODES: dict[ImageFault, str] = {
    "empty": "The file has no bytes.",
    "not-an-image": "The file is of no format that is read.",
    "damaged": "The file begins as a picture but cannot be decoded to its end.",
    "beyond-limits": "The picture has more pixels, frames or other parts than are taken.",
}
"""The code of a photo that is at fault, and what it means."""


class PhotoProblem(BaseModel):
    """What is wrong with one photo of a request."""

    photo: int = Field(description="The photo's place among the photos sent, from 0.")
    code: str = Field(
        description="What is wrong, for programs.", json_schema_extra={"enum": [*PHOTO_CODES]}
    )
    detail: str = Field(description="What is wrong, for people.")


class ProblemDetail(BaseModel):
    """The members of RFC 9457, and `photos`: which photos are at fault, and why."""

    type: str
    title: str
    status: int
    detail: str
    photos: list[PhotoProblem] | None = None


class Problem(Exception):
    """An answer that is an error.

    Args:
        status: the answer's HTTP status.
        kind: a key of KINDS.
        detail: one or two sentences: what was wrong, what is accepted.
        headers: more headers of the answer.
        photos: the photos that are at fault.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        photos: list[PhotoProblem] | None = None,
    ):
        super().__init__(detail)
        self.headers = headers
        self.content = ProblemDetail(
            type=f"/docs#{kind}",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            photos=photos,
        )

    def response(self, root_path: str) -> Response:
        """The problem as an answer of a service that lives under `root_path`."""
        content = self.content.model_copy(update={"type": root_path + self.content.type})
        return JSONResponse(
            content.model_dump(exclude_none=True),
            content.status,
            self.headers,
            media_type="application/problem+json",
        )


def busy(seconds: int) -> Problem:
    """The problem of more work than the queue takes; it says when to try again."""
    detail = f"The service is busy; try again in {seconds} s."
    return Problem(503, "busy", detail, {"Retry-After": str(seconds)})


def describe(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` of a route that answers these statuses by a problem."""
    schema = ProblemDetail.model_json_schema()
    photo = schema.pop("$defs")["PhotoProblem"]  # moved inside: a $ref would not lead here
    schema["properties"]["photos"] = {"type": "array", "items": photo}
    content = {"application/problem+json": {"schema": schema}}
    answers: dict[int | str, dict[str, Any]] = {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }
    if 503 in answers:
        seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        answers[503]["headers"] = {"Retry-After": seconds}
    return answers


def install(app: FastAPI) -> None:
    """Make `app` answer every error by a problem."""

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return error.response(_root_path(request))

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: HTTPException) -> Response:
        path, method, root_path = request.url.path, request.method, _root_path(request)
        if error.status_code == 405:
            allowed = (error.headers or {})["Allow"]
            allowed = "GET, HEAD" if allowed == "GET" else allowed
            detail = f"{path} does not take {method}; it takes {allowed}."
            problem = Problem(405, "wrong-method", detail, {"Allow": allowed})
        elif error.status_code == 404:
            detail = f"There is nothing at {path}; {root_path}/docs lists the addresses."
            problem = Problem(404, "not-found", detail)
        else:
            problem = Problem(error.status_code, "bad-request", str(error.detail))
        return problem.response(root_path)

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> Response:
        detail = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return Problem(422, "bad-request", detail).response(_root_path(request))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody is there to read it

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> Response:
        detail = "The service has a fault and could not answer; its log says more."
        return Problem(500, "fault", detail).response(_root_path(request))


def _root_path(request: Request) -> str:
    """The path under which the service lives; a mounted folder has put its own behind it."""
    root_path: str = request.scope.get("app_root_path", request.scope["root_path"])
    return root_path
