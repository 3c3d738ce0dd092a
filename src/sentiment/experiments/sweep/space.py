"""What a sweep tries: recipes that differ in a few settings, by grid or as Optuna draws them."""

import dataclasses
import itertools
import logging
import math
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.base import cli
from sentiment.base.errors import UserError
from sentiment.model.recipe import Recipe

if TYPE_CHECKING:
    import optuna

log = logging.getLogger(__name__)

REPORT = ("optimizer=sgd,adam,rmsprop", "learning-rate=1,1e-1,1e-2,1e-3", "batch-size=64,128")
"""The grid that asks again what the replication report tried by hand."""

OPTUNA = "optuna==5.0.0"

LOG_FROM = 10
"""A range whose end is so many times its beginning is drawn from log-uniformly."""

Values = dict[str, tuple[str, ...]]
"""By field of the recipe: values as a command line has them, or the two ends of a range."""


@dataclass(frozen=True)
class Space:
    """Recipes to try, all like `base` but for some fields.

    Raises:
        UserError: a field or a value is none of the recipe's.
    """

    base: Recipe
    lists: Values
    ranges: Values = dataclasses.field(default_factory=dict)
    """Ends of ranges of numbers, from which values are drawn."""
    trials: int | None = None
    """Trials to draw; None takes every combination of the lists."""
    seed: int = 1
    """Seed of the drawing."""

    def __post_init__(self) -> None:
        for name, values in (self.lists | self.ranges).items():
            for value in values:
                changed(self.base, {name: value})
        for name, (low, high) in self.ranges.items():
            numbers = isinstance(getattr(self.base, name), int | float)
            if not (numbers and float(low) < float(high)):
                raise UserError(f"{name}={low}..{high}: expected a number, and one over it")
        if self.trials is not None and self.trials < 1:
            raise UserError(f"--trials {self.trials}: expected 1 or more")

    @property
    def fields(self) -> list[str]:
        """The fields of the recipe in which the trials differ."""
        return [*self.lists, *self.ranges]

    def grid(self) -> list[Recipe]:
        """Every combination of the lists, once."""
        combinations = itertools.product(*self.lists.values())
        recipes = (changed(self.base, dict(zip(self.lists, c, strict=True))) for c in combinations)
        return list(dict.fromkeys(recipes))

    def walk(self, reached: Callable[[Recipe], float]) -> None:
        """Try one recipe after the other; `reached` says how good each is, more being better.

        What Optuna draws depends on the seed and on what was reached before, on nothing else: a
        sweep that is given again draws the same.
        """
        if self.trials is None:
            for recipe in self.grid():
                reached(recipe)
            return
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=self.seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for _ in range(self.trials):
            trial = study.ask()
            drawn = {name: self._draw(trial, name) for name in self.fields}
            try:
                recipe = changed(self.base, drawn)
            except UserError as error:  # settings that do not go together
                log.info("left out: %s", error)
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, reached(recipe))

    def _draw(self, trial: "optuna.Trial", name: str) -> str:
        if name in self.lists:
            return trial.suggest_categorical(name, self.lists[name])
        low, high = map(float, self.ranges[name])
        log = low > 0 and high / low >= LOG_FROM
        if isinstance(getattr(self.base, name), int):
            return str(trial.suggest_int(name, math.ceil(low), math.floor(high), log=log))
        return repr(trial.suggest_float(name, low, high, log=log))


def read(
    base: Recipe,
    grid: tuple[str, ...],
    search: tuple[str, ...],
    file: Path | None,
    trials: int,
    seed: int,
) -> Space:
    """The space that a command line or a TOML file describes; without either, the report's grid.

    Raises:
        UserError: the description is wrong, or Optuna is needed and not installed.
    """
    if file:
        if grid or search:
            raise UserError("--file: give what to try there, or with --grid or --search, not both")
        grid, search, trials, seed = _from_file(file, trials, seed)
    if grid and search:
        raise UserError("--grid and --search: expected one of them")
    if search:
        try:
            import optuna  # noqa: F401
        except ImportError:
            raise UserError(f"--search: Optuna is not installed; pip install {OPTUNA}") from None
    lists, ranges = _values(search or grid or REPORT)
    if ranges and not search:
        name, (low, high) = next(iter(ranges.items()))
        raise UserError(f"{name}={low}..{high}: a grid takes values, such as {name}={low},{high}")
    return Space(base, lists, ranges, trials if search else None, seed)


def changed(base: Recipe, words: dict[str, str]) -> Recipe:
    """The recipe with fields changed to values as a command line has them.

    Raises:
        UserError: one is none of the recipe's, or wrong.
    """
    flags = [flag for name, word in words.items() for flag in _flags(base, name, word)]
    return cli.parse_words(Recipe, base, flags)


def _flags(base: Recipe, name: str, word: str) -> list[str]:
    """The words on a command line that set a field to a value."""
    before, flag = getattr(base, name), name.replace("_", "-")
    if not isinstance(before, bool):
        return [f"--{flag}", *(word.split("+") if isinstance(before, tuple) else [word])]
    if word not in ("true", "false"):
        raise UserError(f"{name}={word}: expected true or false")
    if before == (word == "true"):
        return []
    return [f"--no-{flag}" if before else f"--{flag}"]


def _values(words: Iterable[str]) -> tuple[Values, Values]:
    """Lists and ranges, from such as `learning-rate=1e-4..1`."""
    known = {f.name for f in dataclasses.fields(Recipe)} - {"layers", "deterministic"}
    lists: Values = {}
    ranges: Values = {}
    for word in words:
        given, _, text = word.partition("=")
        name = given.replace("-", "_")
        if name not in known:
            raise UserError(
                f"{word}: expected a setting of the recipe and its values, such as "
                f"learning-rate=1e-2,1e-3; the settings are "
                f"{', '.join(sorted(n.replace('_', '-') for n in known))}"
            )
        low, dots, high = text.partition("..")
        if dots:
            ranges[name] = (low, high)
        else:
            lists[name] = tuple(text.split(","))
        if not all((lists | ranges)[name]):
            raise UserError(f"{word}: a value is missing")
    return lists, ranges


def _from_file(file: Path, trials: int, seed: int) -> tuple:
    """Grid and search in a command line's words, and the numbers, from a TOML file."""
    try:
        content = tomllib.loads(file.read_text())
        unknown = content.keys() - {"grid", "search", "trials", "search_seed"}
        if unknown:
            raise ValueError(f"{sorted(unknown)[0]} is none of grid, search, trials, search_seed")
        grid, search = (
            tuple(f"{name}={_as_word(value)}" for name, value in content.get(part, {}).items())
            for part in ("grid", "search")
        )
        return grid, search, int(content.get("trials", trials)), int(
            content.get("search_seed", seed)
        )  # fmt: skip
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: {error}") from None


def _as_word(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(_as_word, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
