"""The answers of the API, as OpenAPI describes them."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class Model(BaseModel):
    """The model that answered."""

    name: str = Field(examples=["all_layers_mobilenet"])
    dataset: str = Field(
        examples=["t4sa"],
        description="Data set that it was trained on, or the name that it was imported under.",
    )
    version: str = Field(description="The first 12 digits of the SHA-256 of the model's file.")


class Photo(BaseModel):
    """A photo's label, size and times."""

    label: str = Field(description="The class with the largest probability.")
    probabilities: dict[str, float] = Field(
        description="Probability of each class; they add up to 1."
    )
    width: int = Field(description="Width in pixels, turned as the EXIF orientation says.")
    height: int = Field(description="Height in pixels, turned as the EXIF orientation says.")
    decode_ms: float = Field(description="Time of decoding, in milliseconds.")
    inference_ms: float = Field(description="Time of the model, in milliseconds.")


class Prediction(BaseModel):
    """What the model says of a request's photos, in their order."""

    model: Model
    photos: list[Photo]


class Explanation(Photo):
    """A photo, and the regions that drove the decision."""

    model: Model
    importance: list[list[float]] = Field(
        description="Rows of cells from top to bottom, cells from left to right: how far the "
        "label's probability falls when the cell and its neighbours are covered in the photo's "
        "mean colour. Over 0 the cell speaks for the label, under 0 against it."
    )
    explain_ms: float = Field(description="Time of the whole answer, in milliseconds.")


class Device(BaseModel):
    """The model as a browser runs it."""

    runtime: str = Field(description="Version of LiteRT.js.")
    jpeg: str = Field(description="Version of the decoder of JPEG files.")
    bytes: int = Field(description="Size of what /v1/model.tflite answers.")
    expected: list[float] = Field(
        description="Probabilities of a picture whose pixel at x, y is red x, green y and blue x "
        "XOR y: a browser that gives others computes wrongly."
    )


class ModelCard(BaseModel):
    """The model, how it was trained, and what the service takes."""

    model: Model
    device: Device | None = Field(description="Null: a browser cannot run the model.")
    no_device: str | None = Field(description="Why a browser cannot run the model.")
    keeps_measurements: bool = Field(description="Whether /v1/measurements takes frame rates.")
    class_names: list[str]
    card: dict[str, Any] = Field(description="The training run: recipe, data, metrics.")
    formats: list[str]
    limits: dict[str, int | float]


class Status(BaseModel):
    """The service works."""

    status: Literal["ok"] = "ok"
