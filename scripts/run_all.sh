#!/usr/bin/env bash
# All models of a data set: train, predict, measure inference, report. Goes on where it stopped.
#
#     bash scripts/run_all.sh                   the whole of data/t4sa
#     bash scripts/run_all.sh --percent 1       the rehearsal
#     bash scripts/run_all.sh --help
#
# It runs in the Python environment that is active, such as a GPU box's; without one, in .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] || source scripts/environment.sh requirements.txt
exec python scripts/run_all.py "$@"
