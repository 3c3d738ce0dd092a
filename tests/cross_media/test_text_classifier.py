"""A text classifier of Hugging Face as a teacher: a tiny one of random weights."""

import logging
from pathlib import Path

import numpy as np
import pytest
from helpers import posts
from helpers.stopping import stopped

from sentiment.base import journal
from sentiment.base.errors import UserError
from sentiment.cross_media import cross_media
from sentiment.cross_media.filters import Filters
from sentiment.cross_media.text_classifier import TextClassifier

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "happy", "horrible", "long", "river")


def classifier(folder: Path, labels: tuple[str, ...]) -> Path:
    """A classifier on disk."""
    import torch
    import transformers

    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, initializer_range=3.0, id2label=dict(enumerate(labels)),
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_classifier_labels_posts_goes_on_after_a_stop_and_is_never_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import torch
    import transformers

    folder = classifier(tmp_path / "teacher", ("POSITIVE", "negative", "Neutral"))
    teacher = TextClassifier(str(folder))
    texts = [posts.text(0), "a", posts.text(1)]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        outputs = [model(**tokenizer(t, return_tensors="pt")).logits.softmax(1)[0] for t in texts]
    expected = np.array([output.numpy()[[1, 2, 0]] for output in outputs])
    assert np.allclose(teacher.scores(texts), expected, atol=1e-5)

    table = posts.posts(tmp_path, 60)
    monkeypatch.setattr(TextClassifier, "block", 8)
    monkeypatch.setattr(journal, "SECONDS", 0)
    caplog.set_level(logging.INFO, "sentiment")

    def make(into: str) -> Path:
        cross_media.make(
            cross_media.Options(
                table,
                tmp_path / into,
                tmp_path / "photos",
                str(folder),
                min_confidence=("0",),
                filters=Filters(min_side=8, language="any"),
            )
        )
        return tmp_path / into

    whole = make("whole")
    with stopped(monkeypatch, TextClassifier, "scores", 3):
        make("again")
    again = make("again")
    assert "  24 texts have been scored before" in caplog.messages
    assert (again / "scores.tsv").read_bytes() == (whole / "scores.tsv").read_bytes()
    assert "labels by teacher, weights " in caplog.text

    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"expected vader, or .* and model.safetensors"):
        TextClassifier(str(folder))
    odd = classifier(tmp_path / "odd", ("joy", "anger", "fear"))
    with pytest.raises(UserError, match="its labels are joy, anger, fear; expected negative"):
        TextClassifier(str(odd))
