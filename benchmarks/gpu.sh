#!/usr/bin/env bash
# Everything of docs/performance.md that wants a GPU, in one call of about ten minutes on one card:
#     benchmarks/gpu.sh > gpu.txt
# Random weights at released sizes: nothing is downloaded.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}

ask() { "$python" benchmarks/engine.py "$@" --seconds "${SECONDS_EACH:-10}"; }

ask "Stable Diffusion 1.5" --rows 64 --plain
ask "Stable Diffusion 1.5" --rows 64 --channels-last
ask "Stable Diffusion 1.5" --rows 64 --channels-last --compile --train 16
ask "Stable Diffusion XL" --rows 16 --channels-last --compile --plain
ask "FLUX.1 dev" --side 512 --rows 16 --compile
words=(configs/demo.yaml name=gpu trainer.accelerator=gpu)
"$python" train.py "${words[@]}" finetune.samples=0
"$python" audit.py "${words[@]}" audit.precision=check
