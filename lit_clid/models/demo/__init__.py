"""The embedded base: an 8 MB text-to-image pipeline of the real classes, so that everything runs
without a hub.

`blueprint` states its architecture; the command `pretrain` made the weights in `pipeline/` of it.
"""

from pathlib import Path

PIPELINE = Path(__file__).parent / "pipeline"
"""Diffusers folder of the embedded base; `target.path: demo` in a config means this folder."""
