"""A text classifier of Hugging Face as a teacher."""

import hashlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment.base.errors import UserError, first_line
from sentiment.cross_media.teacher import Strength

if TYPE_CHECKING:
    import torch

MOST_TOKENS = 128
"""Tokens of a text that are read; a tweet has fewer."""

SENTIMENTS = {"neg": 0, "neu": 1, "pos": 2}
"""Columns of the scores by the first letters of a classifier's label."""

CODES = {"label_0": 0, "label_1": 1, "label_2": 2}
"""Those of classifiers of three classes whose labels have no names, such as TweetEval's."""


class TextClassifier:
    """A classifier by its name on the hub or its folder.

    Its weights are read from safetensors alone: nothing is unpickled, and no code of it is run.

    Args:
        name: its name or folder.

    Raises:
        UserError: a package is missing, there is no such classifier, or it tells no sentiment.
    """

    block = 32
    strength = Strength()

    def __init__(self, name: str):
        try:
            import torch
            import transformers
        except ModuleNotFoundError as error:
            raise UserError(
                f"--teacher {name}: needs packages: pip install transformers torch ({error})"
            ) from None
        if not Path(name).is_dir() and not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
            raise UserError(f"--teacher {name}: no such folder")
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # else each retry is a line
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.name = name
        self._versions = {"transformers": transformers.__version__, "torch": torch.__version__}
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        """Where it runs."""
        try:
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                name, trust_remote_code=False
            )
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                name, trust_remote_code=False, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise UserError(
                f"--teacher {name}: {first_line(error)}; expected vader, or the name or folder of "
                "a text classifier with its tokenizer and model.safetensors"
            ) from None
        self._model = model.to(self.device).eval()
        self._columns = _columns(name, model.config.id2label)
        self._weights = _digest(model.state_dict())

    @property
    def identity(self) -> dict[str, str]:
        """Name, checksum of the weights, versions and device."""
        return {
            "teacher": self.name, "weights": self._weights, **self._versions, "device": self.device
        }  # fmt: skip

    @property
    def in_words(self) -> str:
        """Its name, and the first digits of its weights' checksum."""
        name = Path(self.name).name if Path(self.name).is_dir() else self.name
        return f"{name}, weights {self._weights[:12]}"

    def scores(self, texts: list[str]) -> np.ndarray:
        """Softmax over negative, neutral and positive: float64, shape (n, 3)."""
        import torch

        batch = self._tokenizer(
            texts, padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt"
        ).to(self.device)
        with torch.inference_mode():
            probabilities = self._model(**batch).logits.double().softmax(dim=1).cpu().numpy()
        scores = np.zeros((len(texts), 3))
        scores[:, self._columns] = probabilities
        return scores


def _columns(name: str, labels: dict[int, str]) -> list[int]:
    """The column of each output of a classifier.

    Raises:
        UserError: its labels are not negative, positive and perhaps neutral.
    """
    words = [labels[number].lower() for number in sorted(labels)]
    by_code = [CODES.get(word, -1) for word in words]
    by_name = [SENTIMENTS.get(word[:3], -1) for word in words]
    for columns in (by_name, by_code):
        if {0, 2} <= set(columns) <= {0, 1, 2} and len(set(columns)) == len(columns):
            return columns
    raise UserError(
        f"--teacher {name}: its labels are {', '.join(words)[:200]}; expected negative, neutral "
        "and positive"
    )


def _digest(weights: "dict[str, torch.Tensor]") -> str:
    """A checksum of weights: SHA-256, hexadecimal."""
    digest = hashlib.sha256()
    for key, value in sorted(weights.items()):
        digest.update(key.encode())
        digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
