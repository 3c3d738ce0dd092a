"""A sweep on the screen and on the disk: its tables, its answers, and its files."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sentiment.base import files
from sentiment.experiments.sweep.questions import Answer, in_words
from sentiment.experiments.sweep.trial import Diverged, Finished, Objective, Trial
from sentiment.report.table import FRACTION, Table, drop_empty
from sentiment.runs.accuracy import Accuracy, Commonest, Reached, beside_commonest
from sentiment.runs.picture import Picture

Unseen = Mapping[str, Commonest]
"""The commonest class of the images that no trial learns from, by "validation" and "test"."""

SPLITS = ("training", "validation", "test")

BALANCED = {"validation": "validation balanced", "test": "test balanced"}
"""The columns of balanced accuracy, which a table has where the split's classes are uneven."""

Trials = Sequence[Finished | Diverged]


def selection(objective: Objective) -> str:
    """What the order of the tables tells, and what it must not."""
    return (
        f"Sorted by {objective.replace('-', ' ')} in validation alone, which also chose each "
        "trial's epoch (by loss). The test figures answer the questions; who chooses by them has "
        "no test left."
    )


def best_first(trials: Trials) -> list[Finished | Diverged]:
    """The trials in the order of the tables and the picture."""
    return sorted(trials, key=lambda trial: trial.rank)


def settings(trial: Trial, fields: list[str]) -> dict[str, object]:
    """The settings that make the trial differ from others."""
    return {field.replace("_", " "): getattr(trial.recipe, field) for field in fields}


def settings_in_words(trial: Trial, fields: list[str]) -> str:
    """Such as `optimizer adam, learning rate 0.001`."""
    return ", ".join(f"{k} {in_words(v)}" for k, v in settings(trial, fields).items())


def full_table(trials: Trials, fields: list[str], name: str, title: str, unseen: Unseen) -> Table:
    """The table of the CSV file: a row a trial, the best first, each figure in its column."""
    rows = [
        {
            "trial": trial.number,
            **settings(trial, fields),
            "best epoch": trial.best_epoch if isinstance(trial, Finished) else None,
            "last epoch": trial.last_epoch,
            **_figures(trial, unseen),
            "seconds": trial.seconds,
            "state": trial.record["status"],
            "folder": trial.run.folders.logs_dir.name,
        }
        for trial in best_first(trials)
    ]
    notes = [*_beside_commonest(trials, unseen), selection(trials[0].objective)]
    return Table(name, title, drop_empty(pd.DataFrame(rows), *BALANCED.values()), {}, notes)


def readable_table(trials: Trials, fields: list[str], full: Table) -> Table:
    """The table for reading: an accuracy and its interval in one cell."""
    finished = next((trial for trial in trials if isinstance(trial, Finished)), None)
    titles = {
        split: f"{split}, n = {finished.accuracy(split).n:,}" if finished else split
        for split in SPLITS
    }
    rows = []
    for trial in best_first(trials):
        words = {name: in_words(value) for name, value in settings(trial, fields).items()}
        if isinstance(trial, Finished):
            epoch = f"{trial.best_epoch} of {trial.last_epoch}"
            cells = {titles[split]: _cell(trial.accuracy(split)) for split in SPLITS}
        else:
            epoch = f"diverged in {trial.last_epoch}"
            cells = dict.fromkeys(titles.values(), "-")
        rows.append({
            "trial": str(trial.number),
            **words,
            "best epoch": epoch,
            **cells,
            **_balanced(trial),
            "seconds": f"{trial.seconds:.1f}",
        })  # fmt: skip
    formats = dict.fromkeys(BALANCED.values(), FRACTION)
    return dataclasses.replace(
        full, formats=formats, frame=drop_empty(pd.DataFrame(rows), *BALANCED.values())
    )


def save(
    folder: Path,
    full: Table,
    readable: Table,
    picture: Picture,
    answers: list[Answer],
    about: dict,
) -> None:
    """Write CSV, Markdown, JSON and the picture, each whole or not at all.

    Args:
        about: what the JSON says beside the trials and the answers.
    """
    lines = [readable.markdown()]
    for answer in answers:
        lines += [f"**{answer.question}**", "", *(f"- {s}" for s in answer.sentences), ""]
    texts = {".csv": full.frame.to_csv(index=False), ".md": "\n".join(lines)}
    for ending, text in texts.items():
        with files.whole_file(folder / f"{full.name}{ending}") as temporary:
            temporary.write_text(text, encoding="utf-8")
    rows = full.frame.astype(object).where(full.frame.notna(), None).to_dict("records")
    questions = [dataclasses.asdict(answer) for answer in answers]
    content = about | {"trials": rows, "questions": questions}
    files.write_json(folder / f"{full.name}.json", content)
    picture.save(folder)


def _beside_commonest(trials: Trials, unseen: Unseen) -> list[str]:
    """Say which trials are not better than always naming the commonest class, for each split."""
    finished = [trial for trial in best_first(trials) if isinstance(trial, Finished)]
    sentences = []
    for split, commonest in unseen.items():
        reached = {f"trial {t.number}": Reached(t.accuracy(split), commonest) for t in finished}
        sentences += beside_commonest(split.capitalize(), reached)
    return sentences


def _figures(trial: Finished | Diverged, unseen: Unseen) -> dict[str, float | None]:
    """The accuracy of each split, with its n and interval and what stands beside it."""
    figures: dict[str, float | None] = {}
    for split in SPLITS:
        names = [f"{split}{what}" for what in (" n", "", " 95 % low", " 95 % high")]
        if isinstance(trial, Finished):
            accuracy = trial.accuracy(split)
            values = (accuracy.n, accuracy.value, *accuracy.interval)
            figures |= dict(zip(names, values, strict=True))
        else:
            figures |= dict.fromkeys(names)
        if split in unseen:
            figures[f"{split} commonest"] = unseen[split].share
    return figures | _balanced(trial)


def _balanced(trial: Finished | Diverged) -> dict[str, float | None]:
    """Balanced accuracy in validation and test, by column."""
    if isinstance(trial, Diverged):
        return dict.fromkeys(BALANCED.values())
    return {BALANCED["validation"]: trial.balanced, BALANCED["test"]: trial.tested.balanced}


def _cell(accuracy: Accuracy) -> str:
    low, high = accuracy.interval
    return f"{accuracy.value:.4f} ({low:.3f} to {high:.3f})"
