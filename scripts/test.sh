#!/usr/bin/env bash
# Check style and types and run the tests; words are handed on to pytest.
#
#     bash scripts/test.sh                  all of them
#     bash scripts/test.sh -m "not slow"    the quick ones
#
# SENTIMENT_SHARED names a folder with real photos and weights; without it the tests that
# need them are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh requirements.txt tests/requirements.txt
# What a browser needs to run a model itself; npm is of tests/requirements.txt.
runtime=src/sentiment/service/runtime
[ "$runtime/node_modules/.package-lock.json" -nt "$runtime/package-lock.json" ] ||
  npm ci --no-audit --no-fund --silent --prefix "$runtime"
ruff check src scripts tests
ruff format --check src scripts tests
mypy
# Three at a time on two cores: much of a short run is one thread that starts up and traces graphs,
# or waits. Tests of one group, which share what takes minutes to make, go to the same worker.
# Two plugins that no test uses would take a second to load in each process.
exec python -m pytest tests -n 3 --dist loadgroup -p no:schemathesis -p no:typeguard "$@"
