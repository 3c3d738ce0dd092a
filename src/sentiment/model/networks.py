"""The networks of this checkout, found by their folders under src/, and their scripts."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sentiment.base import project
from sentiment.base.errors import UserError
from sentiment.model.recipe import DASH, Architecture, Recipe

DEFAULT = "mobilenet"
"""The network that a command takes unless told otherwise: the one that the report chose."""

INSTALLED = "efficientnetlite"
"""The network whose ImageNet weights are installed with requirements.txt: it needs no download."""


@dataclass(frozen=True)
class NetworkChoice:
    """Which network is meant, and which of its layers learn."""

    network: str = DEFAULT
    """Folder of the network; a variant stands behind a dash, such as vit-l16."""
    layers: Literal["fc", "all"] = "fc"
    """fc: FT-F; all: FT-A."""


@dataclass(frozen=True)
class Network:
    """A network: its architecture and its recipes, as its `architecture.py` states them."""

    architecture: Architecture
    recipes: dict[str, Recipe]
    """By layers, in the order in which they are trained: "fc" (FT-F), then "all" (FT-A)."""


def networks() -> list[Network]:
    """Every network, sorted by the name of its folder; behind it the folder's other variants."""
    folders = sorted(file.parent.name for file in project.ROOT.glob("src/*/architecture.py"))
    modules = [importlib.import_module(f"{folder}.architecture") for folder in folders]
    return [
        Network(architecture, {"fc": m.FC, "all": m.ALL})
        for m in modules
        for architecture in (m.ARCHITECTURE, *m.ARCHITECTURE.others)
    ]


def named(name: str) -> Network:
    """The network of this name: its folder's, or behind a dash one of the folder's variants.

    Raises:
        UserError: there is no such network.
    """
    by_name = {network.architecture.name: network for network in networks()}
    if name not in by_name:
        raise UserError(f"--network {name}: expected one of {', '.join(by_name)}")
    return by_name[name]


def training_script(architecture: str, layers: str) -> Path:
    """The script that trains a network, such as `src/mobilenet/fc_layer_train_mobilenet.py`.

    Args:
        architecture: the network's name; one script trains all variants of a folder.
        layers: "fc" (FT-F) or "all" (FT-A).

    Raises:
        UserError: the folder does not have exactly one.
    """
    pattern = f"src/{architecture.partition(DASH)[0]}/{layers}_layer_train_*.py"
    scripts = list(project.ROOT.glob(pattern))
    if len(scripts) != 1:
        raise UserError(f"{project.ROOT / pattern}: {len(scripts)} scripts; expected one")
    return scripts[0]


def prediction_script(architecture: str, layers: str) -> Path:
    """The script that tests what `training_script` trains; it lies beside that one.

    Raises:
        UserError: as `training_script` does.
    """
    script = training_script(architecture, layers)
    return script.with_name(f"result_predict_{script.name}")


def variant_flags(architecture: str) -> list[str]:
    """The flags by which these scripts know which variant of their folder is meant."""
    variant = architecture.partition(DASH)[2]
    return ["--variant", variant] if variant else []
