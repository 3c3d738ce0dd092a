"""The virtual environment that scripts/environment.sh makes, and what is checked in it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.scripts import ROOT

FAKE = """#!{bash}
# A Python of version {version}: it runs code, and makes environments whose programs do nothing.
case "$1" in
  -c) exec {python} -c "import sys; sys.version_info = {version}; exec(sys.argv[1])" "$2" ;;
  -m) cat > .venv/bin/python <<< '#!{bash}'
      chmod +x .venv/bin/python
      echo {name} > .venv/made_by ;;
esac
"""


def make_environment(folder: Path, pythons: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Source environment.sh where no Pythons but these are, by name and version."""
    programs = folder / "programs"
    programs.mkdir()
    for name in ("bash", "cat", "chmod", "cksum"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for name, version in pythons.items():
        numbers = tuple(map(int, version.split(".")))
        content = FAKE.format(
            name=name, version=numbers, bash=programs / "bash", python=sys.executable
        )
        (programs / name).write_text(content)
        (programs / name).chmod(0o755)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "wanted.txt").write_text("numpy\n")
    return subprocess.run(
        [programs / "bash", "-euc", f"source {ROOT}/scripts/environment.sh wanted.txt"],
        cwd=folder,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("pythons", "expected"),
    [
        ({"python3": "3.11.7"}, "python3"),
        ({"python3": "3.13.1", "python3.12": "3.12.0", "python3.11": "3.11.0"}, "python3.11"),
        ({"python3": "3.14.0", "python3.13": "3.13.5", "python3.12": "3.12.0"}, "python3.12"),
        ({"python3": "3.14.0", "python3.14": "3.14.0", "python3.13": "3.13.5"}, "python3.13"),
        ({"python3": "3.10.0", "python": "3.12.4"}, "python"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_python_is_one_that_the_pinned_packages_fit(
    pythons: dict[str, str], expected: str, tmp_path: Path
) -> None:
    done = make_environment(tmp_path, pythons)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".venv" / "made_by").read_text().strip() == expected


def test_without_a_fitting_python_the_range_is_said(tmp_path: Path) -> None:
    done = make_environment(tmp_path, {"python3": "3.14.0", "python3.10": "3.10.2"})
    assert done.returncode == 1
    assert done.stderr == "error: no Python from 3.11 to 3.13 on the PATH; install one\n"
    assert not (tmp_path / ".venv" / "made_by").exists()


def test_a_commit_is_checked_by_what_test_sh_runs() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    lines = (ROOT / "scripts" / "test.sh").read_text().splitlines()
    checks = [line for line in lines if re.match("(ruff|mypy)", line)]
    assert re.findall("entry: (.*)", hooks) == checks
    assert len(checks) == 3
