#!/bin/sh
# One audit by several processes of one machine, a card each:
#     examples/torchrun.sh 8 configs/folder.yaml data.path=MEMBERS data.nonmember_path=HOLDOUTS audit.target=MODEL trainer.accelerator=gpu
set -eu
processes=$1
shift
exec torchrun --standalone --nproc-per-node "$processes" -m lit_clid audit "$@" \
    "trainer.devices=$processes" trainer.strategy=ddp
