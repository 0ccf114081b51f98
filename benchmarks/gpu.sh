#!/usr/bin/env bash
# Everything of docs/performance.md that wants a GPU, in one call of about ten minutes on one card:
#     benchmarks/gpu.sh > gpu.txt
# Random weights at released sizes: nothing is downloaded. A step that fails or takes too long does not end the others.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
failed=0

try() {
  echo "== $*"
  SECONDS=0
  timeout "${LIMIT:-180}" "$python" "$@" || { echo "failed with $?: $*"; failed=1; }
  echo "== ${SECONDS} seconds"
}

ask() { try benchmarks/engine.py "$@" --seconds "${EACH:-8}"; }

words=(configs/demo.yaml name=gpu trainer.accelerator=gpu trainer.enable_progress_bar=false)
try train.py "${words[@]}" trainer.max_steps=300 finetune.samples=0
try audit.py "${words[@]}" audit.precision=check
try audit.py "${words[@]}" audit.precision=bf16
ask "Stable Diffusion 1.5" --rows 64 --channels-last --plain --train 16
ask "Stable Diffusion 1.5" --rows 64 --channels-last --compile
ask "Stable Diffusion XL" --rows 16 --channels-last --compile --plain
ask "FLUX.1 dev" --side 512 --rows 16
ask "FLUX.1 dev" --side 512 --rows 16 --compile
ask "Stable Diffusion 1.5" --rows 64 --channels-last --graphs
exit "$failed"
