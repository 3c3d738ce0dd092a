"""The rooms of src/sentiment: each imports only those below it, and no library a command."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.scripts import ROOT, SRC

ROOMS = (
    "base", "data", "exploration", "cross_media", "model", "engine", "runs", "training",
    "inference", "report", "service", "benchmark", "experiments",
)  # fmt: skip
"""From the bottom up."""

FORBIDDEN = {
    "base": {"numpy", "keras", "tensorflow", "jax", "torch"},
    "data": {"keras", "tensorflow", "jax"},
    "exploration": {"keras", "tensorflow", "jax"},
    "cross_media": {"keras", "tensorflow", "jax"},
    "runs": {"keras", "tensorflow", "jax"},
    "service": {"keras", "tensorflow", "jax"},
}
"""Packages that a room's files never import."""

ALSO_CLOSED = {
    "model": {"exploration", "cross_media"},
    "engine": {"exploration", "cross_media", "model"},
    "runs": {"exploration", "cross_media", "engine"},
    "training": {"exploration", "cross_media"},
    "inference": {"exploration", "cross_media", "training"},
    "report": {"exploration", "cross_media", "training"},
    "service": {"exploration", "cross_media", "engine", "training", "report"},
    "benchmark": {"exploration", "cross_media", "inference", "report", "service"},
    "experiments": {"cross_media", "service", "benchmark"},
}
"""Rooms below that a room has no business with."""

LIBRARY = SRC / "sentiment"
FILES = sorted(LIBRARY.rglob("*.py"))


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """Module and name of every import, those inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: import by the module's whole name"
            yield from ((str(node.module), name.name) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((name.name, "") for name in node.names)


def room(module: str) -> str:
    """The room in the name of one of the library's modules."""
    return module.split(".")[1]


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(SRC).with_suffix("").parts)


def commands() -> dict[str, Path]:
    """Modules whose `main` a script runs, with one of their scripts."""
    scripts = [*ROOT.glob("scripts/*.py"), *SRC.glob("*/*_train_*.py")]
    return {
        module: script for script in scripts for module, name in imports(script) if name == "main"
    }


def test_every_file_stands_in_a_room_which_says_what_it_is() -> None:
    assert [path.name for path in LIBRARY.glob("*.py")] == ["__init__.py"]
    found = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert found == set(ROOMS)
    for folder in {file.parent for file in FILES}:
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), folder
        assert len(tree.body) == 1, folder


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_rooms_below_it(name: str) -> None:
    closed = {*ROOMS[ROOMS.index(name) + 1 :], *ALSO_CLOSED.get(name, ())}
    for file in (LIBRARY / name).rglob("*.py"):
        for module, imported in imports(file):
            assert module.split(".")[0] not in FORBIDDEN.get(name, ()), (file, module)
            if module.split(".")[0] == "sentiment":
                assert module != "sentiment", (file, f"import {imported} from its room")
                assert room(module) not in closed, (file, module)


def test_a_command_bears_its_scripts_name_and_no_library_imports_it() -> None:
    found = commands()
    for module, script in found.items():
        if script.parent.name == "scripts":
            assert module.rsplit(".", 1)[1] == script.stem
    for file in FILES:
        for module, name in imports(file):
            if module in found:
                assert name == "Options", f"{file}: imports {name} of the command {module}"
            assert f"{module}.{name}" not in found, f"{file}: imports the command {module}.{name}"


def test_no_file_is_named_for_nothing() -> None:
    assert not {"run", "utils", "util", "common", "helpers", "misc"} & {f.stem for f in FILES}
