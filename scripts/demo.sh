#!/usr/bin/env bash
# From nothing to two trained and tested models, in minutes: EfficientNet-Lite0, whose ImageNet
# weights are installed with the requirements.
#
#     bash scripts/demo.sh
#     bash scripts/demo.sh --photos DIR --serve
#
# Without --photos it downloads Imagewoof-160 (90 MB), or draws faces if it cannot: negative,
# neutral and positive ones.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh requirements.txt
exec python scripts/demo.py "$@"
