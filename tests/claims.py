"""A collection whose membership nobody knows, and what its owner types."""

from pathlib import Path

from folders import image_folder, picture, rewrite


def claimants(folder: Path, suspects: int = 8, others: int = 12) -> list[str]:
    """A collection, and comparable records, as words of a command line."""
    image_folder(folder / "comparable", others)
    mine = image_folder(folder / "mine", suspects)
    for k in range(suspects):
        picture(100 + k).save(mine / f"{k:03d}.png")
    rewrite(mine, "metadata.jsonl", lambda text: text.replace("picture", "my picture"))
    words = ["data.source=imagefolder", f"data.path={folder / 'comparable'}"]
    words += ["data.suspects=imagefolder", f"data.suspects_path={mine}"]
    return [*words, "data.members=null", "data.nonmembers=null"]


def asked(folder: Path, pipeline: Path, *more: str) -> list[str]:
    words = [
        f"runs={folder}",
        "name=claim",
        f"audit.target={pipeline}",
        "attacks=[loss, clid_th_null]",
    ]
    return [*words, "trainer.enable_progress_bar=false", *more]
