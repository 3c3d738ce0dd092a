#!/usr/bin/env bash
# From nothing to two trained and tested models, in minutes: MobileNetV2 on dog breeds.
#
#     bash scripts/demo.sh
#     bash scripts/demo.sh --photos DIR --weights FILE
#
# Without --photos it downloads Imagewoof-160 (90 MB), or draws a sample if it cannot; without
# --weights it downloads ImageNet's, or starts from random ones if it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh requirements.txt
exec python scripts/demo.py "$@"
