"""Says how noisy labels are: other readers beside them, and photos that a network disbelieves."""

import dataclasses
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from sentiment.base import cli, files
from sentiment.base.errors import UserError
from sentiment.base.project import Folders
from sentiment.data.dataset import Dataset
from sentiment.engine import backend
from sentiment.model import networks
from sentiment.model.recipe import Recipe
from sentiment.runs import ceiling_file
from sentiment.runs.run_files import Run, TrainingData
from sentiment.runs.training_plan import Training

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/label_noise.py`.

    Raises:
        UserError: there is one fold.
    """

    dataset: str = "t4sa"
    """Name of prepared data."""
    scores: tuple[Path, ...] = ()
    """More readers of the posts: tables of TWID, NEG, NEU, POS, joined by the id in each photo's
    name. The list's labels and the store's shares are readers anyway."""
    network: str = networks.INSTALLED
    """Folder of the network whose FT-F judges the labels."""
    folds: int = 5
    """Parts of the training photos: each is judged by a network that learned from the others; 0
    asks no network."""
    folders: Folders = field(default_factory=Folders)
    recipe_flags: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """After --, what the trainings will be given, such as -- --weights FILE."""

    def __post_init__(self) -> None:
        if self.folds < 0 or self.folds == 1:
            raise UserError(f"--folds {self.folds}: expected 2 or more, or 0")


@cli.command()
def main() -> None:
    """Run `scripts/label_noise.py`."""
    judge(cli.parse(Options))


def judge(options: Options) -> None:
    """Compare all readers, then ask a network which training photos' labels it believes least.

    Raises:
        UserError: a flag is wrong, a reader has no word on a photo, or a class has fewer training
            photos than there are folds.
    """
    network = networks.named(options.network)
    recipe = cli.parse_words(Recipe, network.recipes["fc"], list(options.recipe_flags))
    dataset = Dataset(options.folders.data_dir, options.dataset)
    folder = ceiling_file.folder(options.folders, dataset.name)
    # pandas, cleanlab and Keras, which --help does without
    from sentiment.experiments.label_noise import belief, readers

    with files.locked(folder):
        log.info("The labels of %s: %s", dataset.name, dataset.manifest.get("labels_from", ""))
        readers.compare(dataset, options.scores, folder)
        if not options.folds:
            return
        run = Run(options.network, "fc", TrainingData(dataset.name), options.folders)
        place = dataclasses.replace(options.folders, logs_dir=folder, models_dir=folder)
        training = Training(
            network.architecture, recipe, dataset, dataclasses.replace(run, folders=place)
        )
        belief.check(dataset, options.folds)
        backend.start(recipe.seed, recipe.precision, recipe.deterministic)
        from sentiment.experiments.label_noise import out_of_fold

        judged = out_of_fold.predict(training, options.folds, folder)
        belief.write(dataset, judged, network.architecture.title, folder)
