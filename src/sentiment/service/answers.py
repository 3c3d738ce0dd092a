"""The answers of the API, as OpenAPI describes them."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class Model(BaseModel):
    """Which model answered."""

    name: str = Field(examples=["all_layers_mobilenet"])
    dataset: str = Field(examples=["t4sa"], description="What it was trained on.")
    version: str = Field(description="The first 12 digits of its file's SHA-256.")


class Photo(BaseModel):
    """What the model sees in a photo."""

    label: str = Field(description="The class with the largest probability.")
    probabilities: dict[str, float] = Field(description="Of each class; their sum is 1.")
    width: int = Field(description="Of the photo as it is to be seen, in pixels.")
    height: int
    decode_ms: float = Field(description="Spent decoding, in milliseconds.")
    inference_ms: float = Field(description="Spent in the model, in milliseconds.")


class Prediction(BaseModel):
    """The photos of a request, in their order."""

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
    explain_ms: float = Field(description="Spent on the whole answer, in milliseconds.")


class ModelCard(BaseModel):
    """What is known of the model, and what the service takes."""

    model: Model
    class_names: list[str]
    card: dict[str, Any] = Field(description="Of the training run: recipe, data, metrics.")
    formats: list[str]
    limits: dict[str, int | float]


class Status(BaseModel):
    status: Literal["ok"] = "ok"
