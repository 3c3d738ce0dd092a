"""The networks of this checkout, found by their folders under src/."""

import importlib
from dataclasses import dataclass

from sentiment import project
from sentiment.errors import UserError
from sentiment.recipe import Architecture, Recipe


@dataclass(frozen=True)
class Network:
    """What a network's `architecture.py` states."""

    architecture: Architecture
    recipes: dict[str, Recipe]
    """By layers, in the order in which they are trained: "fc" (FT-F), then "all" (FT-A)."""


def networks() -> list[Network]:
    """Every network, by the name of its folder."""
    folders = sorted(file.parent.name for file in project.ROOT.glob("src/*/architecture.py"))
    modules = [importlib.import_module(f"{folder}.architecture") for folder in folders]
    return [Network(m.ARCHITECTURE, {"fc": m.FC, "all": m.ALL}) for m in modules]


def named(name: str) -> Network:
    """One network.

    Raises:
        UserError: there is no such folder.
    """
    found = {network.architecture.name: network for network in networks()}
    if name not in found:
        raise UserError(f"--network {name}: expected one of {', '.join(found)}")
    return found[name]
