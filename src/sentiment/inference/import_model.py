"""Makes a model of this project from one that others have trained and published."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from sentiment.base import cli, files, project, provenance, sha256sums
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import checked_name, in_words
from sentiment.engine import backend
from sentiment.model import model_file, model_origin, networks
from sentiment.model.networks import Network
from sentiment.model.recipe import Recipe
from sentiment.model.released import Released
from sentiment.runs import outdated
from sentiment.runs.run_files import Run, TrainingData

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/import_model.py`."""

    file: tyro.conf.Positional[Path]
    """A published file of a trained model."""
    network: str
    """Folder of its network."""
    layers: Literal["fc", "all"]
    """Which of its layers were fine-tuned; fc: FT-F; all: FT-A."""
    name: str = "paper"
    """The folder under saved_models/ that the model goes into: the --dataset of other commands."""
    models_dir: Path = project.MODELS_DIR
    """Models, and the results of their tests."""


@cli.command()
def main() -> None:
    """Run `scripts/import_model.py`."""
    import_model(cli.parse(Options))


def import_model(options: Options) -> None:
    """Write `MODELS_DIR/NAME/LAYERS_layers_NETWORK.keras`, unless it is there, of the same file.

    Raises:
        UserError: nothing published of the network can be read, the file is no such model, or a
            model that was trained here has the name.
    """
    network = networks.named(options.network)
    released = _released(network)
    data = TrainingData(checked_name(options.name))
    run = Run(options.network, options.layers, data, Folders(models_dir=options.models_dir))
    if not options.file.is_file():
        raise UserError(f"{options.file}: no such file; give a published file of a model")
    made_from = {
        "file": options.file.name,
        "sha256": sha256sums.of(options.file),
        "source": released.source,
    }
    with files.locked(run.model, "importing"):
        if _is_there(run, made_from):
            log.info("%s was there, imported from this very file", run.model)
            return
        title = network.architecture.title
        log.info("%s %s of %s", title, run.way, released.source)
        log.info("  %s", in_words(released.class_names))
        log.info("  writes %s", run.model)
        model = _built(network, released, options.file)
        card = {
            "architecture": network.architecture.name,
            "dataset": run.dataset,
            "class_names": list(released.class_names),
            model_origin.IMPORTED: made_from,
            "start": provenance.now(),
            **provenance.provenance(),
        }
        outdated.remove(run.model)
        model_file.save(model, run.model, card)
    log.info("Saved %s", run.model)


def _released(network: Network) -> Released:
    """What the network's folder says of published models.

    Raises:
        UserError: it says nothing.
    """
    if network.architecture.released is None:
        able = [n.architecture.name for n in networks.networks() if n.architecture.released]
        raise UserError(
            f"--network {network.architecture.name}: no published models of it are known; "
            f"expected one of {', '.join(able)}"
        )
    return network.architecture.released


def _is_there(run: Run, made_from: dict[str, str]) -> bool:
    """Whether the model is there, made from the same file; one made from another is replaced.

    Raises:
        UserError: the one that is there was trained here.
    """
    if not run.model.exists():
        return False
    card = model_file.read_card(run.model)
    if not model_origin.is_imported(card):
        raise UserError(f"{run.model}: trained here; import under another --name, such as paper")
    return card[model_origin.IMPORTED] == made_from


def _built(network: Network, released: Released, file: Path) -> "keras.Model":
    """The network with the file's weights.

    Raises:
        UserError: the file cannot be read, or is of another network.
    """
    backend.start(seed=0)
    from sentiment.model.build import build_model  # imports Keras, which --help does without

    recipe = Recipe(layers="all", weights="none", preprocessing="dataset-mean")
    classes = len(released.class_names)
    model = build_model(network.architecture, recipe, classes, list(released.mean))
    released.set_weights(model, file)
    return model
