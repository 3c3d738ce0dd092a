"""FT-A's steps with and without determinism, which a process chooses when Keras starts."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sentiment.base import project
from sentiment.base.errors import UserError
from sentiment.benchmark.timing import Comparison, compare
from sentiment.data.dataset import Dataset
from sentiment.model import networks
from sentiment.model.networks import Network


def compare_determinism(
    network: Network, dataset: Dataset, batch_size: int, steps: int, rounds: int
) -> Comparison:
    """Time `steps` steps of FT-A on one batch in memory, from random weights."""
    given = [network.architecture.name, dataset.folder.parent, dataset.name, batch_size, steps]

    def way(deterministic: str) -> Callable[[], float]:
        command = [sys.executable, "-m", __name__, deterministic, *map(str, given)]
        settings = os.environ | {"PYTHONPATH": str(project.ROOT / "src")}

        def work() -> float:
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  env=settings)  # fmt: skip
            if done.returncode:
                raise UserError(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")
            return float(done.stdout)

        return work

    ways = {f"--deterministic {choice}": way(choice) for choice in ("off", "on")}
    title = f"{network.architecture.title} FT-A, {steps} steps of {batch_size}, a process each"
    return compare(title, "--deterministic off", ways, rounds)


def seconds_an_image(
    network: Network, dataset: Dataset, batch_size: int, steps: int, deterministic: str
) -> float:
    """Seconds for each image in the second of two epochs; the first one traces the step."""
    from sentiment.engine import backend

    backend.start(1, deterministic=deterministic)
    from sentiment.benchmark.step import Resident, compiled
    from sentiment.engine.batches import fed

    learner = compiled(network, dataset, "float32")
    split = dataset.split("train")
    resident = Resident((split.images[:batch_size], split.labels[:batch_size]), steps)
    for _ in range(2):
        started = time.perf_counter()
        learner.fit(fed(resident), shuffle=False, verbose=0)
    return (time.perf_counter() - started) / (steps * batch_size)


def main() -> None:
    """Measure in this process, and print seconds for each image; the command line says what."""
    deterministic, network, data_dir, data, batch_size, steps = sys.argv[1:]
    dataset = Dataset(Path(data_dir), data)
    seconds = seconds_an_image(
        networks.named(network), dataset, int(batch_size), int(steps), deterministic
    )
    print(seconds)


if __name__ == "__main__":
    main()
