"""The scripts as a person meets them: names, flags, refusals, plain Python or IPython."""

import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.scripts import NETWORKS, ROOT, TRAINING_SCRIPTS, refusal, run, start, succeed

from sentiment.base.errors import UserError
from sentiment.model import networks

SCRIPTS = sorted(path for path in ROOT.glob("src/*/*_layer_train_*.py"))


def test_every_network_has_its_four_scripts() -> None:
    for network in NETWORKS:
        names = {path.name for path in SCRIPTS if path.parent.name == network}
        suffix = next(name for name in names if name.startswith("fc_")).removeprefix("fc_")
        trained = {f"fc_{suffix}", f"all_{suffix}"}
        assert names == trained | {f"result_predict_{name}" for name in trained}


def test_scripts_differ_only_in_names() -> None:
    def skeleton(path: Path) -> tuple[str, ...]:
        code = path.read_text().split('"""', 2)[2].replace(path.parent.name, "NETWORK")
        # Sorted: a network's name decides where its import stands.
        return tuple(sorted(re.sub(r"\b(FC|ALL)\b", "RECIPE", code).splitlines()))

    def sorted_names(lines: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(", ".join(sorted(re.split(r", | ", line))) for line in lines)

    for kind in ("[!r]*", "result_predict_*"):
        skeletons = {sorted_names(skeleton(path)) for path in ROOT.glob(f"src/*/{kind}_train_*.py")}
        assert len(skeletons) == 1


def test_the_library_names_no_network() -> None:
    for path in (ROOT / "src" / "sentiment").rglob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        assert not set(imported) & set(NETWORKS), path


@pytest.mark.parametrize(
    "script", [*SCRIPTS, *sorted(ROOT.glob("scripts/*.py"))], ids=lambda p: p.stem
)
def test_help_shows_the_command_and_loads_no_backend(script: Path, tmp_path: Path) -> None:
    for name in ("tensorflow", "keras", "jax", "torch"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a backend was loaded')")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    help_text = succeed(script, "--help", PYTHONPATH=str(tmp_path))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 2
    assert script.name in help_text


TRAINING_FLAGS = {
    *("dataset", "percent", "epochs", "batch-size", "learning-rate", "momentum", "patience"),
    *("seed", "weights", "head", "data-dir", "logs-dir", "models-dir", "overwrite", "dry-run"),
    "verbose",
}


@pytest.mark.parametrize("script", TRAINING_SCRIPTS, ids=lambda path: path.stem)
def test_training_scripts_take_the_same_flags(script: Path) -> None:
    flags = set(re.findall(r"--([a-z-]+)", succeed(script, "--help")))
    assert flags >= TRAINING_FLAGS


@pytest.mark.parametrize("script", TRAINING_SCRIPTS, ids=lambda path: path.stem)
def test_a_dry_run_says_everything_and_writes_nothing(
    script: Path, drawn_data: Path, tmp_path: Path
) -> None:
    folders = ["--logs-dir", tmp_path / "logs", "--models-dir", tmp_path / "models"]
    said = succeed(
        script, "--dataset", "drawn", "--data-dir", drawn_data, "--percent", 10, "--head", "fresh",
        *folders, "--dry-run",
    )  # fmt: skip
    assert "train 18, validation 6 images" in said
    recipe = networks.named(script.parent.name).recipes[script.name.split("_")[0]]
    assert f"learning rate {recipe.learning_rate}, " in said
    assert len(said.splitlines()) <= 24
    assert f"{tmp_path}/models/drawn/test_" in said
    assert f"{tmp_path}/logs/drawn/test_" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--percent", 0], "--percent 0: expected more than 0, at most 100"),
        (["--percent", 150], "--percent 150: expected more than 0, at most 100"),
        (["--percent", "nan"], "--percent nan: expected more than 0, at most 100"),
        (["--percent", "ten"], "--percent"),
        (["--epoch", 3], "Perhaps you meant:"),
        (["--epochs", 0], "--epochs 0: expected 1 or more"),
        (["--learning-rate", -1], "--learning-rate -1.0: expected a number over 0"),
        (["--momentum", 1], "--momentum 1.0: expected 0 or more, under 1"),
        (["--momentum", 0.5, "--optimizer", "adam"], "it is of SGD alone, not of --optimizer adam"),
        (["--schedule", "linear"], "schedule"),
        (["--augmentation", "flip", "crop"], "--augmentation flip crop: expected none where"),
        (["--augmentation", "flip", "flip", "--no-feature-cache"], "expected each kind once"),
        (
            ["--augmentation", "mixup", "--no-feature-cache", "--batch-size", "1"],
            "neither mixup nor",
        ),
        (["--class-weights", "even"], "class-weights"),
        (["--label-smoothing", 1], "--label-smoothing 1.0: expected 0 or more, under 1"),
        (["--ema-momentum", -0.1], "--ema-momentum -0.1: expected 0 or more, under 1"),
        (["--warmup-epochs", 2, "--schedule", "one-cycle"], "one-cycle rises by itself"),
        (["--layer-decay", 1.5], "--layer-decay 1.5: expected more than 0, at most 1"),
        (["--cycle-epochs", 0], "--cycle-epochs 0: expected 1 or more"),
        (["--gradient-accumulation-steps", 3], "expected a divisor of the batch size"),
        (["--weights", "no/such.h5"], "--weights no/such.h5: expected imagenet, none, or"),
        (["--head", "old"], "head"),
        (["--dataset", "cats"], "python scripts/prepare_data.py"),
        (["--dataset", "../drawn"], "data set name '../drawn'"),
        (["--head", "trained"], "--head trained: expected fresh"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_wrong_flag_gets_one_line(flags: list, expected: str, drawn_data: Path) -> None:
    where = ["--dataset", "drawn", "--data-dir", drawn_data]
    line = refusal("src/mobilenet/fc_layer_train_mobilenet.py", *where, *flags, "--dry-run")
    assert expected in line


def test_ft_a_without_ft_f_names_both_remedies(drawn_data: Path, tmp_path: Path) -> None:
    line = refusal(
        "src/vgg19/all_layer_train_caffe_vgg19.py", "--dataset", "drawn", "--percent", 10,
        "--data-dir", drawn_data, "--logs-dir", tmp_path, "--models-dir", tmp_path,
    )  # fmt: skip
    assert "src/vgg19/fc_layer_train_caffe_vgg19.py -- --dataset drawn --percent 10" in line
    assert "--head fresh" in line


@pytest.mark.parametrize("network", NETWORKS)
def test_predicting_without_a_model_says_what_makes_it(
    network: str, drawn_data: Path, tmp_path: Path
) -> None:
    (script,) = ROOT.glob(f"src/{network}/result_predict_all_layer_train_*.py")
    where = ["--dataset", "drawn", "--data-dir", drawn_data]
    line = refusal(script, *where, "--models-dir", tmp_path, "--logs-dir", tmp_path)
    made_by = script.name.removeprefix("result_predict_")
    assert f"ipython src/{network}/{made_by} -- --dataset drawn" in line


def test_a_variant_stands_beside_the_first_of_its_folder(drawn_data: Path, tmp_path: Path) -> None:
    where = ["--dataset", "drawn", "--data-dir", drawn_data, "--logs-dir", tmp_path / "logs",
             "--models-dir", tmp_path / "models"]  # fmt: skip
    script = "src/vit/fc_layer_train_vit.py"
    said = succeed(script, "--variant", "l16", *where, "--dry-run")
    assert said.startswith("ViT-L/16 FT-F ")
    assert f"writes {tmp_path}/models/drawn/fc_layers_vit-l16.keras" in said
    assert "ViT-B/16 FT-F" in succeed(script, "--variant", "b16", *where, "--dry-run")
    line = refusal("src/vit/all_layer_train_vit.py", "--variant", "l16", *where)
    assert "src/vit/fc_layer_train_vit.py -- --variant l16 --dataset drawn" in line
    assert "expected one of" in refusal(script, "--variant", "h14", *where).lower()
    plain = "src/mobilenet/fc_layer_train_mobilenet.py"
    assert "--variant" in refusal(plain, "--variant", "b16", *where)
    assert "--variant" not in succeed(plain, "--help")
    steps = ["scripts/run_all.py", *where, "--dry-run"]
    assert "train ViT-B/32 FT-A" in succeed(*steps, "--variants", "vit-b32")
    assert "ViT-B/32" not in succeed(*steps)
    assert "--variants vit: expected one of convnext-small" in refusal(*steps, "--variants", "vit")


def test_a_vision_transformer_takes_sides_of_whole_patches() -> None:
    with pytest.raises(UserError, match="images of 96 to 512 pixels a side in steps of 32, those"):
        networks.named("vit-b32").architecture.check_side(112, "mine")


@pytest.mark.parametrize("dashes", [[], ["--"]], ids=["bare", "after --"])
def test_ipython_hands_the_flags_on(dashes: list[str]) -> None:
    script = ROOT / "src/mobilenet/fc_layer_train_mobilenet.py"
    done = start("ipython", script, *dashes, "--percent", 0)
    assert "--percent 0: expected more than 0" in done.stderr
    assert done.returncode == 2


COMPLETE = """
source {root}/scripts/completion.sh
COMP_WORDS=({words} "{last}"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_sentiment
echo "${{COMPREPLY[*]}}"
"""


@pytest.mark.parametrize(
    ("words", "last", "expected"),
    [
        ("python scripts/serve.py", "--api", "--api-key-file"),
        ("python scripts/serve.py --model", "READ", ""),
        (
            "ipython src/vgg19/fc_layer_train_caffe_vgg19.py -- --optimizer",
            "",
            "sgd adam adamw rmsprop",
        ),
        ("bash scripts/run_all.sh", "--weig", "--weights"),
        ("python somewhere/else.py", "--", ""),
        ("python", "scripts/serve.p", ""),
    ],
)
def test_bash_completes_flags_and_their_values(words: str, last: str, expected: str) -> None:
    done = start("bash", "-c", COMPLETE.format(root=ROOT, words=words, last=last), cwd=ROOT)
    assert (done.stdout.strip(), done.stderr) == (expected, "")


def test_zsh_gets_of_tyro_what_its_completion_reads() -> None:
    """zsh itself is tried where it is installed; bash is above."""
    text = succeed("scripts/report.py", "--tyro-print-completion", "zsh")
    last = text.rstrip().splitlines()[-1]
    name = last.removesuffix(' "$@"')
    assert last == f'{name} "$@"'
    assert f"\n{name}() {{\n" in text
    assert len(re.findall("^COMPLETION_SPEC = {.*}$", text, re.MULTILINE)) == 1
    if zsh := shutil.which("zsh"):
        for script in (text, (ROOT / "scripts" / "completion.zsh").read_text()):
            subprocess.run([zsh, "-n"], input=script, text=True, check=True)


def test_output_that_nobody_reads_does_not_disturb(drawn_data: Path) -> None:
    script = ROOT / "src/mobilenet/fc_layer_train_mobilenet.py"
    words = f"--dataset drawn --data-dir {drawn_data} --dry-run"
    done = start("bash", "-c", f"ipython {script} -- {words} | head -1")
    assert "Traceback" not in done.stderr


def test_the_backend_that_is_missing_is_named(drawn_data: Path, tmp_path: Path) -> None:
    done = run(
        "src/mobilenet/fc_layer_train_mobilenet.py", "--dataset", "drawn", "--data-dir", drawn_data,
        "--logs-dir", tmp_path, "--models-dir", tmp_path, KERAS_BACKEND="nosuch",
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: Keras cannot start its backend")
    assert "KERAS_BACKEND" in done.stderr
    assert done.stderr.count("\n") == 1
