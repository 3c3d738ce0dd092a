"""The READMEs hold: every command in them is one that its script takes, every path is there.

No command is run. Words that a script of this project is given are parsed by the script's own
Options. Of other programs only what belongs to this project is looked at: paths, pinned versions,
names of settings, addresses of the service.
"""

import ast
import contextlib
import functools
import importlib
import io
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from helpers.scripts import ROOT, SRC, TRAINING_SCRIPTS
from test_house import ALSO_CLOSED, FORBIDDEN, ROOMS

from sentiment.base import cli
from sentiment.base.errors import UserError
from sentiment.model import networks, variants
from sentiment.model.recipe import Recipe
from sentiment.runs import history_file
from sentiment.training import train

PATTERNS = (
    "README.md", "[!.]*/README.md", "src/[!.]*/**/README.md", "tests/[!.]*/**/README.md"
)  # fmt: skip
"""What the scripts write is not looked through: it may be many files, and somebody else's."""
READMES = sorted(
    file
    for pattern in PATTERNS
    for file in ROOT.glob(pattern)
    if "node_modules" not in file.parts  # of packages that npm has installed
)

MOST_LINES = 200
"""Lines of the first README, which somebody new reads whole."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PLACE = re.compile(r"(?<![\w/.*-])(?:src|scripts|tests)/[\w./*-]*[\w*/]")
CODE_FILE = re.compile(r"[\w*./-]*\w\.(?:py|sh|jinja|js)")
CODE_PATH = re.compile(r"(?<![\w/.*-])[\w*/-]+/[\w*.-]+\.(?:py|sh|jinja|js)\b")
NAMES_IN_FILE = re.compile(r"`([\w/]+\.py)` \(((?:`\w+`(?:, | and )?)+)\)")

FILLED = {"FILE": str(ROOT / "README.md"), "HOST:PORT": "localhost:1234", "N": "2", "...": ""}
"""What a command is tried with in the place of a word that the reader is to replace."""

FOREIGN = {"cd", "mypy", "npm", "ruff", "sha256sum", "source", "tensorboard", "unzip"}
"""Programs that know nothing of this project: whether the paths they are given are there is all
that is looked at."""

PACKAGES = {"numpy": "NumPy", "keras": "Keras", "tensorflow": "TensorFlow", "jax": "JAX",
            "torch": "PyTorch"}  # fmt: skip
"""What the READMEs call a package, by the name it is imported by."""


class Stale(AssertionError):
    """A line of a README that does not hold any more."""


def fences(text: str) -> Iterator[tuple[str, str]]:
    """Language and content of every fenced block."""
    yield from FENCE.findall(text)


def spans(text: str) -> list[str]:
    """Every piece of code that stands within a sentence or a table."""
    return [" ".join(span.split()) for span in SPAN.findall(FENCE.sub("", text))]


def command_lines(text: str) -> Iterator[str]:
    """Every command that a README shows."""
    for language, content in fences(text):
        joined = content.replace("\\\n", " ").splitlines()
        if language == "bash":
            yield from (line for line in joined if line.strip() and line[0] != "#")
        elif language == "console":
            yield from (line.removeprefix("$ ") for line in joined if line.startswith("$ "))
    for span in spans(text):
        first, *more = span.split()
        if more and first in ("python", "ipython", "bash"):  # then a script may only be named
            first, *more = more
        if more and (first in PROGRAMS or CODE_FILE.fullmatch(first) or first == "SCRIPT"):
            yield span


def flags_alone(text: str) -> list[str]:
    """Flags that a sentence names without their command, some with a value."""
    return [span for span in spans(text) if re.match(r"--[a-z]", span)]


def check(line: str) -> None:
    """Check a line as a shell would read it.

    Raises:
        Stale: a script, a flag, a value or something else in it is not there.
    """
    words = [word.strip("[]") for word in shlex.split(line, comments=True)]
    for simple in _split(words, {"&&", "|"}):
        program, *rest = _without_launcher(simple)
        if program in PROGRAMS:
            PROGRAMS[program](rest)
        elif program.endswith(".py"):
            _check_script([program if "/" in program else f"scripts/{program}", *rest])
        else:
            raise Stale(f"{line}: this test does not know {program}; teach it")


def _split(words: list[str], marks: set[str]) -> Iterator[list[str]]:
    start = 0
    for end in [*(i for i, word in enumerate(words) if word in marks), len(words)]:
        yield words[start:end]
        start = end + 1


def _without_launcher(words: list[str]) -> list[str]:
    """The command that is left of `NAME=VALUE command` and of `srun -n 2 command`."""
    while re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    if words[0] in ("srun", "mpirun"):
        words = words[words.index("python") :]
    return words


def _file(word: str) -> Path:
    """A file of the checkout; capitals in its name stand for any."""
    if word == "SCRIPT":
        return TRAINING_SCRIPTS[0]
    found = sorted(ROOT.glob(_pattern(word)))
    if not found:
        raise Stale(f"{word}: not there")
    return found[0]


def _pattern(path: str) -> str:
    capitals = r"(?<![A-Za-z])[A-Z]{2,}(?![A-Za-z])"
    return path if (ROOT / path).exists() else re.sub(capitals, "*", path)


def _check_python(words: list[str]) -> None:
    if words[:2] == ["-m", "pytest"]:
        _check_pytest(words[2:])
    else:
        _check_script(words)


def _check_ipython(words: list[str]) -> None:
    script, *rest = words
    _check_script([script, *rest[rest[:1] == ["--"] :]])  # the first -- is IPython's


def _check_script(words: list[str]) -> None:
    parse(_file(words[0]), words[1:])


def _check_bash(words: list[str]) -> None:
    script = _file(words[0])
    handed_to = re.search(r'^exec python (.+) "\$@"$', script.read_text(), re.MULTILINE)
    if not handed_to:
        raise Stale(f"{script}: hands its words to no Python")
    _check_python([*handed_to[1].split(), *words[1:]])


def _check_pytest(words: list[str]) -> None:
    """Marks and paths are there; options are pytest's own, or those of tests/conftest.py."""
    settings = (ROOT / "tests/pytest.ini").read_text() + (ROOT / "tests/conftest.py").read_text()
    for before, word in zip(["", *words], words, strict=False):
        if before == "-m":
            unknown = [mark for mark in re.findall(r"\w+", word)
                       if mark != "not" and f"{mark}:" not in settings]  # fmt: skip
            if unknown:
                raise Stale(f"-m {word}: no such mark: {unknown[0]}")
        elif word.startswith("--") and word != "--dist" and f'"{word}"' not in settings:
            raise Stale(f"{word}: no option of these tests")
        elif "/" in word:
            _file(word)


def _check_export(words: list[str]) -> None:
    for word in words:
        name = word.split("=")[0]
        if name not in _sources():
            raise Stale(f"export {word}: no file of this project mentions {name}")


def _check_pip(words: list[str]) -> None:
    """Versions are those that the requirements have."""
    required = {}
    for file in ("requirements.txt", "tests/requirements.txt"):
        for line in (ROOT / file).read_text().splitlines():
            if pin := re.match(r"([\w-]+)(?:\[.*\])?==([\w.]+)", line):
                required[pin[1]] = pin[2]
    for word in words:
        pin = re.fullmatch(r"([\w-]+)(?:\[.*)?==([\w.]+)", word)
        if pin and required.get(pin[1]) != pin[2]:
            raise Stale(f"pip {word}: the requirements have {required.get(pin[1])}")
        if word.endswith(".txt"):
            _file(word)


def _check_curl(words: list[str]) -> None:
    routes = "".join(file.read_text() for file in SRC.glob("sentiment/service/*.py"))
    for word in words:
        if (address := re.search(r"localhost:\d+(/.*)", word)) and f'"{address[1]}"' not in routes:
            raise Stale(f"{word}: the service has no {address[1]}")


def _check_foreign(words: list[str]) -> None:
    for word in words:
        if "/" in word:
            _file(word)


PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "python": _check_python,
    "ipython": _check_ipython,
    "bash": _check_bash,
    "srun": _check_script,
    "export": _check_export,
    "pip": _check_pip,
    "curl": _check_curl,
    **dict.fromkeys(FOREIGN, _check_foreign),
}


@functools.cache
def _sources() -> str:
    """All code but this file, which makes names up."""
    folders = (ROOT / folder for folder in ("src", "scripts", "tests"))
    files = {file for folder in folders for file in folder.rglob("*.py")} - {Path(__file__)}
    return "".join(file.read_text() for file in files)


@functools.cache
def module_of(script: Path) -> ModuleType:
    """The module whose `main` a script runs; its `Options` are the script's flags."""
    main = re.search(r"^from (\S+) import main$", script.read_text(), re.MULTILINE)
    if not main:
        raise Stale(f"{script}: runs no main")
    return importlib.import_module(main[1])


def options_of(script: Path) -> type:
    """The flags of a script, those of its network's variants among them."""
    options = module_of(script).Options
    if script.parent.parent != SRC:
        return options
    return variants.with_flag(options, networks.named(script.parent.name).architecture)


def default_of(script: Path) -> object | None:
    """What the flags of a training script change: the recipe of its network; None elsewhere."""
    if module_of(script) is not train:
        return None
    layers = script.name.split("_")[0]
    return options_of(script)(networks.named(script.parent.name).recipes[layers])


def parse(script: Path, words: list[str]) -> None:
    """Read words as a script does, and those after -- as the scripts do that it runs.

    Raises:
        Stale: they are none of its flags, or have values that it does not take.
    """
    words = [filled for word in words if (filled := _filled(word))]
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # where --help would go
            options = cli.parse_words(options_of(script), default_of(script), words)
            _parse_handed_on(vars(options), words)
            if script.name == "sweep.py":
                _parse_settings(words)
    except UserError as error:
        raise Stale(f"{script.relative_to(ROOT)} {shlex.join(words)}: {error}") from None
    except SystemExit:
        assert "--help" in words


def _filled(word: str) -> str:
    """A word with what stands in it for something else replaced: FILE, mobilenet=FILE."""
    name, equals, value = word.rpartition("=")
    return name + equals + FILLED.get(value, value)


def _parse_handed_on(options: dict, words: list[str]) -> None:
    """Read what a script hands on to training, as a recipe of either way has it."""
    if "--" not in words:
        return
    recipes = networks.networks()[0].recipes.values()
    errors = []
    for recipe in recipes:
        kinds = {"training_flags": (train.Options, train.Options(recipe)),
                 "recipe_flags": (Recipe, recipe)}  # fmt: skip
        (field,) = kinds.keys() & options.keys()  # what stands after -- in a script's Options
        try:
            cli.parse_words(*kinds[field], list(options[field]))
        except UserError as error:
            errors.append(error)
    if len(errors) == len(recipes):
        raise errors[-1]


def _parse_settings(words: list[str]) -> None:
    """Read what a sweep tries, such as `learning-rate=1e-2,1e-3`, as flags of the recipe."""
    recipe = networks.networks()[0].recipes["all"]
    for word in words:
        if setting := re.fullmatch(r"([a-z-]+)=(.+)", word):
            for value in re.split(r",|\.\.", setting[2]):
                cli.parse_words(Recipe, recipe, [f"--{setting[1]}", value])


def scripts_with_flags() -> list[Path]:
    return [*sorted(ROOT.glob("scripts/*.py")), *sorted(SRC.glob("*/*_layer_train_*.py"))]


@functools.cache
def help_of(script: Path) -> str:
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        cli.parse_words(options_of(script), default_of(script), ["--help"])
    return text.getvalue()


def examples(script: Path) -> list[str]:
    """The commands in a script's docstring."""
    text = ast.get_docstring(ast.parse(script.read_text())) or ""
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def check_flag(span: str) -> None:
    """Check a flag that is named without its command: some script takes it, with its value.

    Raises:
        Stale: none does.
    """
    flag, *values = shlex.split(span)
    takers = [s for s in scripts_with_flags() if re.search(rf"{flag}(?![\w-])", help_of(s))]
    if not takers:
        raise Stale(f"{span}: no script has this flag")
    reasons = []
    for script in takers if values else ():
        _, *needed = shlex.split(next(e for e in examples(script) if script.name in e))
        needed = needed[1:] if needed[1:2] != ["--"] else needed[2:]
        try:
            return parse(script, [*needed, flag, *values])
        except Stale as stale:
            reasons.append(str(stale))
    if reasons:
        raise Stale(f"{span}: {reasons[0]}")


def anchors(text: str) -> set[str]:
    """The names by which a page's headings are linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def check_link(readme: Path, target: str) -> None:
    """Check a link to another file or heading.

    Raises:
        Stale: it leads nowhere.
    """
    if re.match(r"https?:", target):
        return
    name, _, anchor = target.partition("#")
    file = (readme.parent / name).resolve() if name else readme
    if not file.exists():
        raise Stale(f"{readme}: the link {target} leads to no file")
    if anchor and anchor not in anchors(file.read_text()):
        raise Stale(f"{readme}: the link {target} leads to no heading")


def check_path(readme: Path, path: str) -> None:
    """Check a path of the checkout, of the library, or of the README's own folder.

    Raises:
        Stale: no file has it.
    """
    folders = [ROOT, SRC / "sentiment", readme.parent]
    anywhere = [f"src/**/{path}", f"scripts/{path}", f"tests/**/{path}"] if "/" not in path else []
    if any(any(folder.glob(_pattern(path))) for folder in folders):
        return
    if not any(any(ROOT.glob(_pattern(pattern))) for pattern in anywhere):
        raise Stale(f"{readme}: no file {path}")


each_readme = pytest.mark.parametrize(
    "readme", READMES, ids=lambda readme: str(readme.relative_to(ROOT))
)


def test_every_folder_that_a_person_works_in_has_a_readme() -> None:
    folders = {str(readme.parent.relative_to(ROOT)) for readme in READMES}
    assert folders >= {".", "data", "logs", "saved_models", "scripts", "src", "tests"}


@each_readme
def test_commands_are_what_their_scripts_take(readme: Path) -> None:
    text = readme.read_text()
    for line in command_lines(text):
        check(line)
    for span in flags_alone(text):
        check_flag(span)


@pytest.mark.parametrize("script", scripts_with_flags(), ids=lambda script: script.stem)
def test_the_commands_in_a_scripts_docstring_are_what_it_takes(script: Path) -> None:
    assert any(script.name in example for example in examples(script))
    for example in examples(script):
        check(example)


@each_readme
def test_a_block_says_what_it_is(readme: Path) -> None:
    for language, content in fences(readme.read_text()):
        assert language in ("", "bash", "console", "python"), language
        if language == "python":
            compile(content, str(readme), "exec")
        if not language:
            shown = [line for line in content.splitlines() if line.split(" ")[0] in PROGRAMS]
            assert not shown, f"a command in a block that is not named bash or console: {shown[0]}"


@each_readme
def test_links_and_paths_lead_to_something(readme: Path) -> None:
    text = readme.read_text()
    for target in LINK.findall(FENCE.sub("", text)):
        check_link(readme, target)
    for path in (*PLACE.findall(text), *CODE_PATH.findall(text)):
        check_path(readme, path)
    for span in spans(text):
        if CODE_FILE.fullmatch(span):
            check_path(readme, span)


@each_readme
def test_what_is_said_to_stand_in_a_file_stands_there(readme: Path) -> None:
    for path, names in NAMES_IN_FILE.findall(" ".join(readme.read_text().split())):
        file = next(f for f in (ROOT / path, SRC / "sentiment" / path) if f.exists())
        for name in SPAN.findall(names):
            assert re.search(rf"\b{name}\b", file.read_text()), f"{path} has no {name}"


def test_the_first_readme_is_short_and_maps_every_room() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= MOST_LINES
    mapped = [line.split()[0] for line in lines if re.match(r"  \w+/ ", line)]
    assert mapped == [f"{room}/" for room in ROOMS]


def test_the_rooms_rules_are_those_that_the_house_is_tested_by() -> None:
    lines = (SRC / "README.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in lines if re.match(r"\| `\w+` \|", line)]  # fmt: skip
    assert [room for room, *_ in rows] == [f"`{room}`" for room in ROOMS]
    for room, (_, _, may, never) in zip(ROOMS, rows, strict=True):
        below = [r for r in ROOMS[: ROOMS.index(room)] if r not in ALSO_CLOSED.get(room, ())]
        assert may.split(", ") == (below or ["none"]), room
        forbidden = {PACKAGES[package] for package in FORBIDDEN.get(room, ())}
        assert set(filter(None, never.split(", "))) == forbidden, room


def test_every_column_of_the_history_is_explained() -> None:
    assert set(history_file.COLUMNS) <= set(spans((ROOT / "logs/README.md").read_text()))


TRAIN = "src/mobilenet/fc_layer_train_mobilenet.py"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("python scripts/report.py --datasets t4sa", "--datasets"),
        ("python scripts/no_such_script.py", "not there"),
        ("python scripts/prepare_data.py cats --source DIR", "cats"),
        ("python scripts/prepare_data.py t4sa", "--source"),
        ("prepare_data.py t4sa --sauce DIR", "--sauce"),
        (f"python {TRAIN} --percent 0", "expected more than 0"),
        (f"ipython {TRAIN} -- --optimiser adam", "--optimiser"),
        (f"srun -n 2 python {TRAIN} --coordinator here", "expected HOST:PORT"),
        (f"KERAS_BACKEND=jax python {TRAIN} --weights no/such/file", "no/such/file"),
        (f"cd DIR && python {TRAIN} --epochs none", "--epochs"),
        ("python src/NETWORK/fc_layer_train_NETWORK.py [--no-such-flag]", "--no-such-flag"),
        ("bash scripts/run_all.sh --percent 50 -- --epoch 1", "--epoch"),
        ("python scripts/sweep.py -- --optimizer sdg", "sdg"),
        ("python scripts/sweep.py --grid rate=1,2", "--rate"),
        ("python scripts/sweep.py --search optimizer=sgd,sdg", "sdg"),
        ("python scripts/report.py -- --epochs 1", "--epochs"),
        ("bash scripts/demo.sh --picture DIR", "--picture"),
        ('bash scripts/test.sh -m "not slowly"', "slowly"),
        ("python -m pytest tests/no_such_room", "no_such_room"),
        ("python -m pytest tests --kill 3", "--kill"),
        ("pip install torch==1.0", "the requirements have"),
        ("export NO_SUCH_SETTING=1", "NO_SUCH_SETTING"),
        ("curl localhost:8000/v0/predict", "/v0/predict"),
        ("make all", "does not know make"),
    ],
)  # fmt: skip
def test_a_line_that_does_not_hold_any_more_is_found(line: str, reason: str) -> None:
    text = f"Some words.\n\n```console\n$ {line}\nwhat it prints\n```\n"
    (found,) = command_lines(text)
    with pytest.raises(Stale, match=re.escape(reason)):
        check(found)


@pytest.mark.parametrize("span", ["--no-such-flag", "--schedule weekly", "--epoch", "--fresh-head"])
def test_a_flag_that_no_script_has_is_found(span: str) -> None:
    (found,) = flags_alone(f"Give `{span}`.")
    with pytest.raises(Stale):
        check_flag(found)


def test_what_the_reader_is_to_replace_is_taken_for_what_it_may_be() -> None:
    for line in (
        "python SCRIPT --weights FILE --checkpoint-batches N",
        "bash scripts/run_all.sh --weights none mobilenet=FILE [-- --epochs N]",
        "python src/NETWORK/all_layer_train_NETWORK.py --coordinator HOST:PORT --num-processes 2 "
        "--process-id 0  # and 1 on the other",
        "bash scripts/demo.sh --help",
    ):
        check(line)


def test_commands_are_found_in_every_form_that_a_readme_has() -> None:
    text = (
        "Run `python scripts/report.py\n--dataset t4sa`, see `report.py`.\n\n"
        "```bash\n# why\nbash scripts/demo.sh  # how\n```\n"
        "```console\n$ python scripts/sweep.py \\\n    --percent 10\nprinted\n```\n"
        "```\nno command\n```\n"
    )
    assert [" ".join(line.split()) for line in command_lines(text)] == [
        "bash scripts/demo.sh # how",
        "python scripts/sweep.py --percent 10",
        "python scripts/report.py --dataset t4sa",
    ]


def test_links_paths_and_anchors_that_lead_nowhere_are_found() -> None:
    readme = ROOT / "README.md"
    assert anchors("## Stopped, and going on\n") == {"stopped-and-going-on"}
    for target in ("no_such_file.md", "data/README.md#no-such-heading", "#no-such-heading"):
        with pytest.raises(Stale):
            check_link(readme, target)
    for path in ("src/sentiment/no_such_room", "model/no_such_file.py", "no_such_file.py"):
        with pytest.raises(Stale):
            check_path(readme, path)
    check_path(readme, "model/recipe.py")
    check_path(readme, "src/NETWORK/architecture.py")
