"""A sweep on the screen and on the disk: a table, a picture, and the answers."""

import dataclasses
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from sentiment.base import files
from sentiment.experiments.sweep.questions import Answer, in_words
from sentiment.experiments.sweep.trial import Trial
from sentiment.report import pictures
from sentiment.report.pictures import Picture
from sentiment.report.table import Table
from sentiment.runs.accuracy import Accuracy

SPLITS = ("training", "validation", "test")

SELECTION = (
    "Sorted by validation accuracy alone, which also chose each trial's epoch (by loss). The test "
    "figures answer the questions; who chooses by them has no test left."
)


def table(trials: list[Trial], fields: list[str], name: str, title: str) -> Table:
    """A row a trial, the best first."""
    rows = []
    for t in sorted(trials, key=lambda t: t.rank):
        row = {"trial": t.number, **settings(t, fields)}
        row["best epoch"] = t.record.get("best_epoch")
        row["last epoch"] = t.record["last_epoch"]
        for split in SPLITS:
            row |= _figures(split, t.accuracy(split))
        row["seconds"] = t.record["seconds"]
        row["state"] = t.record["status"]
        row["folder"] = t.run.folders.logs_dir.name
        rows.append(row)
    return Table(name, title, pd.DataFrame(rows), {}, [SELECTION])


def brief(trials: list[Trial], fields: list[str], of: Table) -> Table:
    """The same, to be read: an accuracy and its interval in one cell."""
    n = next((t.record for t in trials if t.diverged is None), {})
    titles = {s: f"{s}, n = {n[s][0]:,}" if n else s for s in SPLITS}
    rows = []
    for t in sorted(trials, key=lambda t: t.rank):
        row = {"trial": str(t.number)}
        row |= {k: in_words(v) for k, v in settings(t, fields).items()}
        if t.diverged is None:
            row["best epoch"] = f"{t.record['best_epoch']} of {t.record['last_epoch']}"
            row |= {titles[split]: _cell(t.accuracy(split)) for split in SPLITS}
        else:
            row |= dict.fromkeys(("best epoch", *titles.values()), "-")
            row["best epoch"] = f"diverged in {t.diverged}"
        row["seconds"] = f"{t.record['seconds']:.1f}"
        rows.append(row)
    return dataclasses.replace(of, frame=pd.DataFrame(rows))


def settings(trial: Trial, fields: list[str]) -> dict[str, object]:
    """What makes the trial differ from others."""
    return {field.replace("_", " "): getattr(trial.recipe, field) for field in fields}


def named(trial: Trial, fields: list[str]) -> str:
    """Such as `optimizer adam, learning rate 0.001`."""
    return ", ".join(f"{k} {in_words(v)}" for k, v in settings(trial, fields).items())


def picture(trials: list[Trial], fields: list[str], name: str, title: str, classes: int) -> Picture:
    """A row a trial, in the table's order: its accuracies with their intervals."""
    ordered = sorted(trials, key=lambda t: t.rank)
    with pictures.style():
        figure = Figure(figsize=(9, 1.6 + 0.3 * len(ordered)), layout="constrained")
        panel = figure.subplots()
        marks = {
            "training": ("|", pictures.COLOURS[5], -0.22),
            "validation": ("o", pictures.COLOURS[0], 0.0),
            "test": ("D", pictures.COLOURS[1], 0.22),
        }
        words = []
        for row, trial in enumerate(ordered):
            if trial.diverged is not None:
                panel.text(1 / classes, row, f"  diverged in epoch {trial.diverged}",
                           va="center", fontsize=8.5)  # fmt: skip
                words.append(f"{named(trial, fields)}: diverged in epoch {trial.diverged}")
                continue
            for split, (mark, colour, shift) in marks.items():
                reached = trial.accuracy(split)
                low, high = reached.interval
                errors = [[max(0, reached.value - low)], [max(0, high - reached.value)]]
                panel.errorbar(reached.value, row + shift, xerr=errors, fmt=mark, color=colour,
                               markersize=4.5, capsize=0, linewidth=1.2)  # fmt: skip
            reached = " and ".join(
                f"{split} {trial.accuracy(split).value:.4f}" for split in ("validation", "test")
            )
            words.append(f"{named(trial, fields)}: {reached}")
        for split, (mark, colour, _) in marks.items():
            panel.plot([], [], mark, color=colour, label=split, markersize=6)
        panel.axvline(1 / classes, color=pictures.INK, linestyle=":", linewidth=1,
                      label="chance")  # fmt: skip
        panel.set_yticks(range(len(ordered)), [f"{named(t, fields)}  ({t.number})"
                                               for t in ordered], fontsize=8.5)  # fmt: skip
        panel.set_ylim(len(ordered) - 0.4, -0.6)
        panel.set(xlabel="accuracy, 95 % interval", title=title)
        panel.grid(axis="x", alpha=0.3)
        figure.legend(loc="outside lower right", ncols=4)
    caption = f"{title}. Best first by validation; in brackets the trial's number."
    return Picture(name, caption, "; ".join(words), figure)


def save(
    folder: Path, full: Table, readable: Table, drawn: Picture, found: list[Answer], content: dict
) -> None:
    """Write CSV, Markdown, JSON and the picture, each whole or not at all."""
    csv = full.frame.to_csv(index=False)
    lines = [readable.markdown()]
    for answer in found:
        lines += [f"**{answer.question}**", "", *(f"- {s}" for s in answer.sentences), ""]
    for ending, text in ((".csv", csv), (".md", "\n".join(lines))):
        with files.whole_file(folder / f"{full.name}{ending}") as temporary:
            temporary.write_text(text)
    questions = [dataclasses.asdict(answer) for answer in found]
    rows = full.frame.astype(object).where(full.frame.notna(), None).to_dict("records")
    files.write_json(folder / f"{full.name}.json",
                     content | {"trials": rows, "questions": questions})  # fmt: skip
    drawn.save(folder)


def _figures(split: str, reached: Accuracy | None) -> dict[str, float | None]:
    names = [f"{split}{what}" for what in (" n", "", " 95 % low", " 95 % high")]
    if reached is None:
        return dict.fromkeys(names)
    return dict(zip(names, (reached.n, reached.value, *reached.interval), strict=True))


def _cell(reached: Accuracy) -> str:
    low, high = reached.interval
    return f"{reached.value:.4f} ({low:.3f} to {high:.3f})"
