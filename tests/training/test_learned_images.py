"""What is learned of which photos: listed labels, the teacher's, or shares of all classes."""

import csv
import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.photo_collections import photo
from helpers.small_network import SMALL
from sklearn.utils.class_weight import compute_class_weight

from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data import prepare_data
from sentiment.data.collections.origin import Reading
from sentiment.data.dataset import Dataset
from sentiment.inference import predict
from sentiment.model import build, model_file, networks
from sentiment.model.recipe import Recipe
from sentiment.runs import history_file, learned_images
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training
from sentiment.training import fit, train
from sentiment.training.announcement import announcement
from sentiment.training.setup import Setup

COUNTS = {"train": 40, "val": 12, "test": 6}
CLASSES = ("a", "b", "c")
FT_A = Recipe("all", weights="none", learning_rate=0.1, epochs=2, batch_size=16)
FT_F = dataclasses.replace(FT_A, layers="fc")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of noise, prepared three times: with labels alone, with all votes for the label, and
    with votes of which most are for the label."""
    folder = tmp_path_factory.mktemp("taught")
    random = np.random.default_rng(1)
    rows: dict[str, list[dict]] = {"hard": [], "one_hot": [], "soft": []}
    for split, count in COUNTS.items():
        for number in range(count):
            name, label = f"{split}{number}.jpg", int(random.choice(3, p=[0.5, 0.25, 0.25]))
            photo(folder / "photos" / name, len(rows["hard"]))
            about = {"photo": name, "split": split}
            votes = random.integers(1, 4, 3)
            votes[label] = 4 + number % 3
            rows["hard"].append(about | {"label": CLASSES[label]})
            rows["one_hot"].append(about | dict(zip(CLASSES, np.eye(3)[label], strict=True)))
            rows["soft"].append(about | dict(zip(CLASSES, votes, strict=True)))
    for name, of_table in rows.items():
        table = folder / f"{name}.csv"
        with table.open("w", newline="") as lines:
            writer = csv.DictWriter(lines, of_table[0])
            writer.writeheader()
            writer.writerows(of_table)
        columns = ("label",) if name == "hard" else CLASSES
        reading = Reading(table=table, label_column=columns)
        prepare_data.prepare(prepare_data.Options(
            "table", folder / "photos", name, data_dir=folder, workers=1, reading=reading
        ))  # fmt: skip
    return folder


def training(data_dir: Path, recipe: Recipe, data: TrainingData, work: Path) -> Training:
    run = Run("small", recipe.layers, data, Folders(data_dir, work, work))
    run.history.parent.mkdir(parents=True, exist_ok=True)
    return Training(SMALL, recipe, Dataset(data_dir, data.dataset), run)


def fitted(wanted: Training) -> tuple[list[np.ndarray], list[dict]]:
    """The weights kept, and what each epoch reached."""
    keras.utils.set_random_seed(1)
    network, _ = fit.fit(wanted, None)
    columns = ["loss", "accuracy", "val_loss", "val_accuracy"]
    epochs = history_file.epochs(wanted.run.history)[columns].to_dict("records")
    return network.get_weights(), epochs


@pytest.mark.parametrize(("recipe", "choices"), [
    (FT_F, ("shares", "teacher")),
    (dataclasses.replace(FT_A, label_smoothing=0.2, class_weights="balanced"), ("shares",)),
], ids=["FT-F", "FT-A smoothed and weighed"])  # fmt: skip
def test_one_hot_shares_are_hard_labels_bit_for_bit(
    recipe: Recipe, choices: tuple[str, ...], data_dir: Path, tmp_path: Path
) -> None:
    of_labels = fitted(training(data_dir, recipe, TrainingData("hard"), tmp_path))
    for choice in choices:
        data = TrainingData("one_hot", labels=choice)
        of_shares = fitted(training(data_dir, recipe, data, tmp_path))
        assert of_shares[1] == of_labels[1]
        for ours, theirs in zip(of_shares[0], of_labels[0], strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("recipe", [
    dataclasses.replace(FT_F, label_smoothing=0.3, class_weights="balanced"),
    dataclasses.replace(FT_A, gradient_accumulation_steps=2),
], ids=["FT-F smoothed and weighed", "FT-A in parts"])  # fmt: skip
def test_loss_and_gradient_of_shares_are_numpys(
    recipe: Recipe, data_dir: Path, tmp_path: Path
) -> None:
    """One update by all images, of which that of the last layer is computed in NumPy."""
    count = COUNTS["train"]
    recipe = dataclasses.replace(recipe, batch_size=count, momentum=0.0, epochs=1)
    choice = TrainingData("soft", labels="shares", temperature=2.0)
    wanted = training(data_dir, recipe, choice, tmp_path)
    keras.utils.set_random_seed(1)
    setup = Setup(wanted)
    learned, validated = (wanted.dataset.split(name) for name in ("train", "validation"))
    frozen = build.without_head(setup.network)
    inputs = frozen.predict(learned.images[:], verbose=0).astype(float)
    kernel, bias = (w.astype(float) for w in setup.network.get_layer("head").get_weights())
    network, _ = fit.fit(wanted, None, setup)
    (epoch,) = history_file.epochs(wanted.run.history).to_dict("records")

    shares = np.sqrt(learned.shares.astype(float))
    shares /= shares.sum(axis=1, keepdims=True)
    smoothed = (1 - recipe.label_smoothing) * shares + recipe.label_smoothing / 3
    weights = np.ones(count)
    if recipe.class_weights == "balanced":
        labels = learned.shares.argmax(axis=1)
        weights = compute_class_weight("balanced", classes=np.arange(3), y=labels)[labels]
    scores = np.exp(inputs @ kernel + bias)
    said = scores / scores.sum(axis=1, keepdims=True)
    loss = (weights * -(smoothed * np.log(said)).sum(axis=1)).mean()
    error = weights[:, None] * (said - smoothed) / count
    assert epoch["loss"] == pytest.approx(loss, rel=1e-5)
    top, top_bias = network.get_layer("head").get_weights()
    np.testing.assert_allclose(
        top, kernel - recipe.learning_rate * inputs.T @ error, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        top_bias, bias - recipe.learning_rate * error.sum(axis=0), rtol=1e-4, atol=1e-6
    )
    probabilities = network.predict(validated.images[:], verbose=0)
    listed = -np.log(probabilities[np.arange(len(validated)), validated.labels]).mean()
    assert epoch["val_loss"] == pytest.approx(listed, rel=1e-5)


def test_photos_are_left_out_of_training_alone(data_dir: Path, tmp_path: Path) -> None:
    dataset = Dataset(data_dir, "soft")
    split = dataset.split("train")
    confident = split.shares.max(axis=1) >= np.float32(0.5)
    dropped = split.paths[np.flatnonzero(confident)[:3]].tolist()
    file = tmp_path / "drop.csv"
    file.write_text("\n".join(["photo,label", *(f"{path},a" for path in dropped)]) + "\n")
    choice = TrainingData("soft", min_confidence=0.5, drop=file)
    wanted = training(data_dir, FT_F, choice, tmp_path)
    inputs = Setup(wanted).inputs
    kept = np.flatnonzero(confident)[3:]
    np.testing.assert_array_equal(inputs["train"].rows, kept)
    assert len(inputs["validation"].rows) == COUNTS["val"]
    line = f"learns from {len(kept)} of 40 training photos: largest share 0.5 or more, without "
    assert f"  {line}those in {file}" in announcement(SMALL, FT_F, dataset, wanted.run)
    assert wanted.run.name == "confident_dropped_fc_layers_small"
    listed = tmp_path / "drop.txt"
    listed.write_text("\n".join(dropped))
    assert learned_images.dropped_by(listed) == set(dropped)
    plans = [learned_images.plan(dataclasses.replace(choice, drop=f)) for f in (file, listed)]
    assert plans[0] == plans[1]


def test_name_and_manifest_say_what_was_learned(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train.backend, "start", lambda *_: {})  # it has been started
    script = networks.training_script("mobilenet", "fc")
    monkeypatch.setattr(networks, "training_script", lambda *_: script)
    folders = Folders(data_dir, tmp_path, tmp_path)
    taught = TrainingData("soft", labels="shares", temperature=2.0)
    train.train(SMALL, FT_F, train.Options(FT_F, taught, folders=folders))
    card = model_file.read_card(tmp_path / "soft" / "shares_fc_layers_small.keras")
    assert card["choices"] == {"labels": "shares", "temperature": "2"}
    assert (card["labels"], card["temperature"]) == ("shares", 2.0)
    plain = training(data_dir, FT_F, TrainingData("soft"), tmp_path)
    assert plain.run.name == "fc_layers_small"
    assert not {"labels", "temperature", "min_confidence", "dropped"} & plain.plan.keys()
    with pytest.raises(UserError, match=r"made with temperature 2.0, this run has 3.0; --overw"):
        other = dataclasses.replace(taught, temperature=3.0)
        train.train(SMALL, FT_F, train.Options(FT_F, other, folders=folders))
    with pytest.raises(UserError, match=r"trained with temperature 2.0, not 1.0; predict with"):
        other = dataclasses.replace(taught, temperature=1.0)
        predict.predict(SMALL, "fc", predict.Options(other, folders=folders))


WRONG = {
    "no shares": (TrainingData("hard", labels="teacher"), "no shares beside the labels; prepare"),
    "none left": (TrainingData("soft", min_confidence=0.99), "--min-confidence 0.99: no training"),
    "unknown": (
        TrainingData("soft", drop=Path("unknown.txt")),
        "--drop unknown.txt: 1 of 2 photos are not in soft, such as other.jpg; expected paths as",
    ),
    "no file": (TrainingData("soft", drop=Path("none.csv")), "none.csv: no such table"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_learned_is_refused(
    name: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("unknown.txt").write_text("other.jpg\ntrain0.jpg\n")
    data, expected = WRONG[name]
    wanted = training(data_dir, FT_F, data, tmp_path)
    with pytest.raises(UserError) as refused:
        announcement(SMALL, FT_F, wanted.dataset, wanted.run)
    assert expected in str(refused.value)


@pytest.mark.parametrize(("choice", "expected"), [
    ({"temperature": 2.0}, "--temperature 2: is of --labels shares, not listed"),
    ({"labels": "shares", "temperature": 0.0}, "--temperature 0: expected a number over 0"),
    ({"min_confidence": 1.0}, "--min-confidence 1: expected 0 or more, under 1"),
])  # fmt: skip
def test_a_wrong_choice_is_refused(choice: dict, expected: str) -> None:
    with pytest.raises(UserError) as refused:
        TrainingData(**choice)
    assert expected in str(refused.value)
