"""Make the embedded base: `python -m lit_clid.commands.pretrain`.

Three stages, each kept once finished: render scenes, train the VAE, train the U-Net together with
the text encoder on the VAE's latents with 10 % caption dropout (this one also goes on from its
middle). The exported folder holds half-precision weights, a model card with the measured losses and
a grid of samples.
"""

import argparse
import multiprocessing
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lit_clid.data.drawings.critters import critter
from lit_clid.data.drawings.scenes import scene
from lit_clid.models.demo import PIPELINE
from lit_clid.models.demo.autoencoder import train_vae
from lit_clid.models.demo.base import write_base
from lit_clid.models.demo.denoising import train_denoiser
from lit_clid.models.demo.recipe import Recipe

FIRST_SCENE = 1_000_000_000
"""Pre-training scenes are numbered from here, so that no scene an experiment draws (0, 1, …) was
seen.
"""
READ = 8192
"""Captions of either family of drawings on which the tokenizer learns."""


def _render(index: int) -> tuple[np.ndarray, str]:
    drawing = scene(FIRST_SCENE + index)
    return np.asarray(drawing.image), drawing.caption


def render(folder: Path, count: int) -> tuple[np.ndarray, list[str]]:
    """Render the pre-training scenes once into a memory map (N, 64, 64, 3) and a caption file."""
    pixels, captions = folder / "scenes.npy", folder / "captions.txt"
    if not captions.exists():
        sheet = np.lib.format.open_memmap(pixels, "w+", np.uint8, (count, 64, 64, 3))
        with multiprocessing.Pool() as pool, captions.with_suffix(".part").open("w") as out:
            drawn = pool.imap(_render, range(count), chunksize=64)
            for k, (image, caption) in enumerate(tqdm(drawn, "render", count, mininterval=5)):
                sheet[k] = image
                out.write(caption + "\n")
        captions.with_suffix(".part").rename(captions)
    return np.load(pixels, mmap_mode="r"), captions.read_text().splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--work", type=Path, default=Path("runs/base"), help="folder of intermediate results"
    )
    parser.add_argument("--out", type=Path, default=PIPELINE, help="diffusers folder to write")
    arguments = parser.parse_args()
    recipe, work = Recipe(), arguments.work
    work.mkdir(parents=True, exist_ok=True)
    pixels, captions = render(work, recipe.scenes)
    vae = train_vae(work, recipe, pixels)
    corpus = captions[:READ] + [critter(FIRST_SCENE + k).caption for k in range(READ)]
    trained, tokenizer, losses = train_denoiser(work, recipe, vae, pixels, captions, corpus)
    before = [scene(FIRST_SCENE - 1 - k) for k in range(16)]
    shown = [(drawing.image, drawing.caption) for drawing in before]
    facts = {"recipe": recipe, "held_out": losses, "first": FIRST_SCENE}
    write_base(arguments.out, vae, trained, tokenizer, shown, facts)


if __name__ == "__main__":
    main()
