"""Frame rates that devices send, kept as files where that was asked for."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError

from sentiment.base import files
from sentiment.runs.frame_rate import FrameRate
from sentiment.service import problems
from sentiment.service.problems import Problem

MOST_BYTES = 16 * 2**10
"""Largest body of a measurement; one has 1,200 bytes."""

MOST_FILES = 1000
"""Measurements in the folder, beyond which no more are kept."""


class Measurements:
    """A folder with a JSON file for each measurement.

    Args:
        folder: made if it is not there.
        max_seconds: time that a measurement may take to arrive.
    """

    def __init__(self, folder: Path, max_seconds: float):
        self.folder, self.max_seconds = folder, max_seconds
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, router: APIRouter, no_key: dict[int | str, Any]) -> None:
        """Add the address that takes measurements.

        Args:
            no_key: OpenAPI's responses to a request without the key.
        """
        schema = {"application/json": {"schema": FrameRate.model_json_schema()}}

        @router.post(
            "/v1/measurements",
            status_code=204,
            responses=no_key | problems.describe(403, 408, 413, 421, 422, 507),
            openapi_extra={"requestBody": {"required": True, "content": schema}},
        )
        async def keep_measurement(request: Request) -> None:
            """Keep how fast a device runs the model in its browser."""
            await self.keep(request)

    async def keep(self, request: Request) -> None:
        """Keep the measurement that is a request's body.

        Raises:
            Problem: 408, 413, 422 or 507; it is too slow, too large or none, or too many are
                kept.
        """
        try:
            measurement = FrameRate.model_validate_json(await self._body(request))
        except ValidationError as error:
            fault = error.errors()[0]
            detail = f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
            raise Problem(422, "bad-request", detail) from None
        if sum(1 for _ in self.folder.glob("*.json")) >= MOST_FILES:
            raise Problem(507, "full", f"{MOST_FILES:,} measurements are kept; no more are taken.")
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}.json"
        with files.whole_file(self.folder / name) as temporary:
            temporary.write_text(measurement.model_dump_json(indent=2), encoding="utf-8")

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self.max_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        detail = f"A measurement has at most {MOST_BYTES:,} bytes."
                        raise Problem(413, "too-large", detail)
        except TimeoutError:
            detail = f"The body did not arrive within {self.max_seconds:g} s."
            raise Problem(408, "too-slow", detail) from None
        return bytes(body)
