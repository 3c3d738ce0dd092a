"""What a browser needs to run the model itself: the model for one photo, and LiteRT.js."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

from sentiment.base.errors import UserError
from sentiment.data.image_size import SIDE
from sentiment.inference import browser_model
from sentiment.inference.litert import LitertModel
from sentiment.service import answers, problems

RUNTIME = Path(__file__).parent / "runtime"
"""Where package.json pins LiteRT.js, and npm puts it."""

PACKAGES = RUNTIME / "node_modules" / "@litertjs"

SETUP = "npm ci --prefix src/sentiment/service/runtime"
"""The command that puts LiteRT.js in place."""

MOST_BYTES = 256 * 2**20
"""Largest model that is offered. Those beyond it, such as VGG19, take more memory than a phone
gives a page."""


@dataclass(frozen=True)
class DeviceModel:
    """A model that browsers can run."""

    content: bytes
    """The model's file, for one photo at a time."""
    expected: list[float]
    """Probabilities of the picture by which a browser tests whether it computes rightly."""
    runtime: str
    """Version of LiteRT.js."""

    def answer(self) -> answers.Device:
        """What the API tells of it."""
        return answers.Device(runtime=self.runtime, bytes=len(self.content), expected=self.expected)


def device_model(model: Path) -> DeviceModel:
    """Make the model that browsers run of the one that is served.

    Args:
        model: the `.tflite` file.

    Raises:
        UserError: LiteRT.js is not in place, or the model is too large for a browser, or takes
            photos of another size than the page squishes them to.
    """
    runtime = _runtime()
    size = model.stat().st_size
    if size > MOST_BYTES:
        raise UserError(f"the model's {size / 1e6:,.0f} MB are too many for a browser")
    loaded = LitertModel(model)
    if loaded.side != SIDE:
        raise UserError(
            f"the page makes photos of {SIDE} pixels a side, the model takes {loaded.side}"
        )
    (expected,) = loaded.predict(browser_model.test_picture()[None])
    content = browser_model.for_one_photo(model.read_bytes())
    return DeviceModel(content, expected.tolist(), runtime)


def _runtime() -> str:
    """The version of LiteRT.js.

    Raises:
        UserError: it is not in place, or another one than package.json pins.
    """
    pinned: str = json.loads((RUNTIME / "package.json").read_text())["dependencies"][
        "@litertjs/core"
    ]
    installed = PACKAGES / "core" / "package.json"
    if not installed.exists() or json.loads(installed.read_text())["version"] != pinned:
        raise UserError(f"LiteRT.js {pinned} is not installed; run {SETUP}")
    return pinned


def add_model(router: APIRouter, model: DeviceModel, no_key: dict[int | str, Any]) -> None:
    """Add the address of the model.

    Args:
        no_key: OpenAPI's responses to a request without the key.
    """
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    responses = no_key | problems.describe(421) | {200: {"content": binary}}

    @router.get("/v1/model.tflite", response_class=Response, responses=responses)
    async def device_model() -> Response:
        """The model for one photo at a time, as LiteRT.js runs it in a browser."""
        return Response(model.content, media_type="application/octet-stream")


def add_runtime(app: FastAPI, version: str) -> None:
    """Add the addresses of LiteRT.js' files.

    A browser knows a module by its address, and LiteRT.js' main module names the other one as
    npm does. The map from names to addresses that a page may have, a worker may not.
    """
    main = "core/dist/index.js"
    text = (PACKAGES / main).read_text(encoding="utf-8")
    text = text.replace('"@litertjs/wasm-utils"', '"../../wasm-utils/dist/index.js"')

    @app.get(f"/runtime/{version}/{main}", include_in_schema=False)
    async def runtime() -> Response:
        return Response(text, media_type="text/javascript")

    app.mount(f"/runtime/{version}", StaticFiles(directory=PACKAGES))
