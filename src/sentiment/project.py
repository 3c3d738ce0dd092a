"""Where things lie in this checkout."""

from pathlib import Path

from sentiment.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
DATA_DIR, LOGS_DIR, MODELS_DIR = ROOT / "data", ROOT / "logs", ROOT / "saved_models"


def training_script(architecture: str, layers: str) -> Path:
    """The script that trains a network, such as `src/mobilenet/fc_layer_train_mobilenet.py`.

    Args:
        architecture: the network's folder under src/.
        layers: "fc" (FT-F) or "all" (FT-A).

    Raises:
        UserError: the folder does not have exactly one.
    """
    pattern = f"src/{architecture}/{layers}_layer_train_*.py"
    scripts = list(ROOT.glob(pattern))
    if len(scripts) != 1:
        raise UserError(f"{ROOT / pattern}: {len(scripts)} scripts; expected one")
    return scripts[0]


def command(script: Path, *words: object) -> str:
    """The words a person types to run `script`."""
    shown = script.relative_to(ROOT) if script.is_relative_to(ROOT) else script
    return " ".join(["ipython", str(shown), "--", *map(str, words)]).removesuffix(" --")
