"""Fine-tune a target, or its shadow, on its split of the records and export it as a diffusers folder."""

from collections.abc import Sequence
from pathlib import Path

from lit_clid import console
from lit_clid.config import read_config
from lit_clid.training import train

DEFAULT = Path(__file__).parent / "configs" / "demo.yaml"
USAGE = """usage: python train.py [config.yaml ...] [key=value ...]

Fine-tune `target.path` on the members of `role` (target or shadow) and export runs/NAME/ROLE as a diffusers folder.
Without a config: the embedded demo. Interrupted runs go on from their last checkpoint.
Defenses are further configs: configs/defenses/*.yaml, as many as wanted.
example: python train.py configs/demo.yaml configs/defenses/crop_flip.yaml role=shadow name=mine"""


def main(arguments: Sequence[str]) -> None:
    train(read_config(arguments, DEFAULT))


if __name__ == "__main__":
    console.run(main, USAGE)
