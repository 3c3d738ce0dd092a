"""The JSON file with how fast a device runs a model in its browser, read without trust."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sentiment.base.errors import UserError
from sentiment.base.project import Folders

Text = Annotated[str, Field(max_length=400)]

Milliseconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]

Count = Annotated[int, Field(ge=0, le=10**9)]


class Strict(BaseModel):
    """An object whose members are these and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MeasuredModel(Strict):
    """The model that ran."""

    name: Text = Field(examples=["all_layers_mobilenet"])
    dataset: Text
    version: Text


class Browser(Strict):
    """Where it ran, as the browser says."""

    user_agent: Text
    cores: Count
    backend: Literal["wasm", "wasm without relaxed SIMD", "webgpu"]
    threads: Count
    isolated: bool = Field(description="Whether the page may use threads.")
    runtime: Text = Field(examples=["LiteRT.js 2.5.3"])


class Spread(Strict):
    """The middle and the slow end of many times, in milliseconds."""

    median: Milliseconds
    p95: Milliseconds


class FrameRate(Strict):
    """How fast a device looked at its camera's frames."""

    measured_at: Text = Field(description="Date and time in UTC, as ISO 8601 has it.")
    model: MeasuredModel
    browser: Browser
    picture: Text = Field(examples=["1280 x 720"], description="Size of a camera's frame.")
    warm_up: Count = Field(description="Frames before those that count.")
    frames: Annotated[int, Field(ge=1, le=10**6)] = Field(description="Frames looked at.")
    seconds: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = Field(
        description="Time in which they were looked at."
    )
    delivered: Count | None = Field(description="The camera's frames in that time, if known.")
    dropped: Count | None = Field(description="Those of them that were not looked at.")
    load_ms: Milliseconds = Field(description="From the model's bytes to a model that answers.")
    first_result_ms: Milliseconds = Field(description="From the camera's start to an answer.")
    whole: Spread = Field(description="Capture, squish, inference and drawing of a frame.")
    capture: Spread
    squish: Spread
    inference: Spread
    drawing: Spread

    @property
    def results_per_second(self) -> float:
        """Frames looked at in a second."""
        return self.frames / self.seconds


def folder(folders: Folders, dataset: str) -> Path:
    """Where the measurements with models trained on a data set lie, a file each."""
    return folders.logs_dir / dataset / "frame_rates"


def read(path: Path) -> FrameRate:
    """Read one measurement.

    Raises:
        UserError: the file is damaged, or of another kind.
    """
    try:
        return FrameRate.model_validate_json(path.read_bytes())
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the whole"
        raise UserError(
            f"{path}: no measurement of a frame rate ({where}: {fault['msg']})"
        ) from None
