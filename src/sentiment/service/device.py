"""What a browser needs to run the model itself: the model for one photo, and packages of npm."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from sentiment.base.errors import UserError
from sentiment.inference import browser_model
from sentiment.inference.litert import LitertModel
from sentiment.service import answers, problems

RUNTIME = Path(__file__).parent / "runtime"
"""Where package.json pins the packages of npm that a browser needs."""

PACKAGES = RUNTIME / "node_modules"
"""Where npm puts them."""

LITERT, JPEG = "@litertjs/core", "@cwasm/jpeg-turbo"
"""LiteRT.js, and libjpeg-turbo as WebAssembly, which decodes JPEG files as Pillow does."""

SETUP = "npm ci --prefix src/sentiment/service/runtime"
"""The command that puts them in place."""

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
    versions: dict[str, str]
    """Versions of the packages."""

    def answer(self) -> answers.Device:
        """What the API tells of it."""
        return answers.Device(
            runtime=self.versions[LITERT],
            jpeg=self.versions[JPEG],
            bytes=len(self.content),
            expected=self.expected,
        )


def device_model(model: Path) -> DeviceModel:
    """Make the model that browsers run of the one that is served.

    Args:
        model: the `.tflite` file.

    Raises:
        UserError: the packages are not in place, or the model is too large for a browser.
    """
    versions = _versions()
    size = model.stat().st_size
    if size > MOST_BYTES:
        raise UserError(f"the model's {size / 1e6:,.0f} MB are too many for a browser")
    loaded = LitertModel(model)
    (expected,) = loaded.predict(browser_model.test_picture(loaded.side)[None])
    content = browser_model.for_one_photo(model.read_bytes())
    return DeviceModel(content, expected.tolist(), versions)


def _versions() -> dict[str, str]:
    """The versions of the packages.

    Raises:
        UserError: one is not in place, or in another version than package.json pins.
    """
    pinned: dict[str, str] = json.loads((RUNTIME / "package.json").read_text())["dependencies"]
    for name, version in pinned.items():
        installed = PACKAGES / name / "package.json"
        if not installed.exists() or json.loads(installed.read_text())["version"] != version:
            raise UserError(f"{name} {version} is not installed; run {SETUP}")
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


def add_runtime(app: FastAPI, versions: dict[str, str]) -> None:
    """Add the addresses of the packages' files, in which their versions stand.

    A browser knows a module by its address, and LiteRT.js' main module names the other one as
    npm does. The map from names to addresses that a page may have, a worker may not.
    """
    folder = f"/runtime/{versions[LITERT]}"
    main = "core/dist/index.js"
    text = (PACKAGES / "@litertjs" / main).read_text(encoding="utf-8")
    text = text.replace('"@litertjs/wasm-utils"', '"../../wasm-utils/dist/index.js"')

    @app.get(f"{folder}/{main}", include_in_schema=False)
    async def runtime() -> Response:
        return Response(text, media_type="text/javascript")

    @app.get(f"{folder}/jpeg-turbo-{versions[JPEG]}.wasm", include_in_schema=False)
    async def decoder() -> Response:
        return FileResponse(PACKAGES / JPEG / "jpeg-turbo.wasm", media_type="application/wasm")

    app.mount(folder, StaticFiles(directory=PACKAGES / "@litertjs"))
