"""What is prepared of every kind of collection can be learned from, tested on and reported."""

import json
from pathlib import Path

import pytest
from helpers import collection_layouts
from helpers.scripts import SRC, succeed

from sentiment.data.collections import readers

NETWORK = SRC / "efficientnetlite"
TRAIN = NETWORK / "fc_layer_train_efficientnetlite.py"
PREDICT = NETWORK / "result_predict_fc_layer_train_efficientnetlite.py"
OF_EMOTIONS = {"emoset", "emotion6"}


@pytest.mark.slow
def test_models_learn_emotions_and_sentiments_of_every_kind_of_collection(
    shared: Path, tmp_path: Path
) -> None:
    photos = collection_layouts.real_photos(shared)
    folders = ("--data-dir", tmp_path / "d", "--logs-dir", tmp_path / "l")
    for kind in readers.READERS:
        flags = collection_layouts.write(kind, tmp_path / kind, photos)
        if kind in OF_EMOTIONS:
            flags = [*flags, "--polarity"]
        words = (kind, "--source", tmp_path / kind, "--data-dir", tmp_path / "d", *flags)
        succeed("scripts/prepare_data.py", *words)
    emotions = ("emoset", "--name", "emotions", "--source", tmp_path / "emoset")
    succeed("scripts/prepare_data.py", *emotions, "--data-dir", tmp_path / "d")

    run = (*folders, "--models-dir", tmp_path / "m", "--percent", 80)
    for name in ("table", "emotions"):
        succeed(TRAIN, "--dataset", name, *run, "--epochs", 2)
    kinds = [kind for kind in readers.READERS if kind != "table"]
    log = succeed(PREDICT, "--dataset", "table", *run, "--test-on", *kinds, "table")
    for kind in readers.READERS:
        assert f"{kind} test split: accuracy" in log
    assert "emotions test split: accuracy" in succeed(PREDICT, "--dataset", "emotions", *run)
    card = json.loads((tmp_path / "d" / "emoset" / "manifest.json").read_text())
    assert card["class_names"] == ["negative", "positive"]
    assert card["labels_from"] == "people, who agreed on the emotion (EmoSet)"
    assert "positive is amusement, awe, contentment, excitement" in card["note"]

    succeed("scripts/report.py", "--dataset", "emotions", *run)
    assert "contentment" in (tmp_path / "l" / "emotions" / "report" / "report.html").read_text()
