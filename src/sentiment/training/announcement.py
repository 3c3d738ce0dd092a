"""What a training run says before it starts: what it will do, read and write."""

import textwrap
from collections.abc import Iterator

from sentiment.data.dataset import Dataset, in_words
from sentiment.model.recipe import Architecture, Recipe, counting, in_command
from sentiment.runs import training_plan
from sentiment.runs.run_files import Run
from sentiment.training.class_weights import uneven_in_words

WIDTH = 100
"""Characters in a line of the paragraph with the recipe."""

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def announcement(
    architecture: Architecture,
    recipe: Recipe,
    dataset: Dataset,
    run: Run,
    stated: Recipe | None = None,
) -> str:
    """The lines that say what a run will do, read and write.

    Args:
        stated: the network's recipe; what differs from it gets a line each, and the rest of the
            run's recipe one paragraph. None: every field gets a line.
    """
    return "\n".join([
        *_images(architecture, recipe, dataset, run),
        *_recipe(recipe, stated),
        f"  writes {run.model}",
        f"         {run.log_file('{_history.csv,_resources.csv,_run.json,.log}')}",
    ])  # fmt: skip


def _images(
    architecture: Architecture, recipe: Recipe, dataset: Dataset, run: Run
) -> Iterator[str]:
    """The lines that say which network learns from which images."""
    counts = training_plan.counts(dataset, run, recipe.seed)
    images = {split: sum(by_class.values()) for split, by_class in counts.items()}
    learning = {"fc": "the fully connected layers learn", "all": "all layers learn"}[run.layers]
    yield f"{architecture.title} {run.way} ({learning}) on {run.percent:g} % of {dataset.name}"
    if run.leaking:
        yield "  LEAKING: learns from validation and test images too; no accuracy is a result"
    yield f"  {in_words(dataset.class_names)}"
    yield (
        f"  train {images['train']:,}, validation {images['validation']:,} images "
        f"(the store is {dataset.bytes / 1e9:.2f} GB); "
        f"{-(-images['train'] // recipe.batch_size):,} updates an epoch"
    )
    yield from _choices(dataset, run, images["train"])
    yield from _balance(recipe, counts["train"])


def _choices(dataset: Dataset, run: Run, images: int) -> Iterator[str]:
    """The lines that say what is learned of which photos, where that was chosen.

    Args:
        images: how many images are learned from.
    """
    data = run.data
    if data.labels != "listed":
        what = {
            "teacher": "the class with the largest share",
            "shares": "the shares of all classes",
        }
        softer = f", temperature {data.temperature:g}" if data.temperature != 1 else ""
        yield f"  learns {what[data.labels]}{softer}; validation is by the listed labels"
    if data.min_confidence or data.drop:
        listed = sum(training_plan.listed_counts(dataset, run)["train"].values())
        confident = f"largest share {data.min_confidence:g} or more" if data.min_confidence else ""
        dropped = f"without those in {data.drop}" if data.drop else ""
        which = ", ".join(filter(None, [confident, dropped]))
        yield f"  learns from {images:,} of {listed:,} training photos: {which}"


def _balance(recipe: Recipe, counts: dict[str, int]) -> Iterator[str]:
    """The line that says how uneven classes are, or what weighs them.

    Args:
        counts: images to learn from, by class.
    """
    uneven = uneven_in_words(counts)
    if uneven and recipe.class_weights == "none":
        yield f"  uneven classes: {uneven}; --class-weights balanced makes them count alike"
    elif uneven:
        yield f"  uneven classes: {uneven}; class weights make them count alike"


def _recipe(recipe: Recipe, stated: Recipe | None) -> Iterator[str]:
    """The lines that say how the network is trained."""
    fields = counting(recipe)
    rest = []
    for field, value in fields.items():
        name = field.replace("_", " ")
        if stated and value == getattr(stated, field):
            rest.append(f"{name} {in_command(value)}")
        else:
            yield f"  {name}: {in_command(value)}"
    if rest:
        title = "the recipe" if len(rest) == len(fields) else "the rest of the recipe"
        yield _paragraph(title, rest)


def _paragraph(title: str, items: list[str]) -> str:
    """Items behind a title, in lines of WIDTH; no item is broken."""
    unbroken = ", ".join(item.replace(" ", NO_BREAK_SPACE) for item in items)
    lines = textwrap.fill(
        f"{title}: {unbroken}",
        WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace(NO_BREAK_SPACE, " ")
