"""Latents that outlive a process: a folder that holds those of each batch that was encoded."""

from collections.abc import Hashable
from hashlib import blake2b
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from lit_clid import console
from lit_clid.errors import WriteError
from lit_clid.files import whole

FORM = "1"
"""Of the files; others are not found."""
NAME = "latents"


class LastingLatents:
    """Latents by what they were made from; files that are damaged or gone are made again.

    Whole batches are kept, never single records: what is encoded together decides the last digit.
    Several processes may share a folder.

    Args:
        folder: made when the first are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._told = folder, False

    def find(self, key: Hashable) -> Tensor | None:
        """Latents that were kept, on the CPU; None if there are none, or they are not whole."""
        file = self._file(key)
        try:
            with safe_open(file, "pt") as held:
                found: Tensor = held.get_tensor(NAME)
                return found if held.metadata()["hash"] == _hash(found) else None
        except Exception:  # safetensors raises kinds of its own
            return None

    def keep(self, key: Hashable, latents: Tensor) -> None:
        """Keep them, if the folder can be written: it can be done without, which is said once."""
        file, held = self._file(key), latents.contiguous()
        try:
            with whole(file) as part:
                save_file({NAME: held}, part, {"hash": _hash(held)})
        except WriteError as error:
            if not self._told:
                console.say(f"note: encoded images are not kept: {error}")
            self._told = True

    def _file(self, key: Hashable) -> Path:
        told = f"{FORM} {torch.__version__} {key}".encode("utf-8", "surrogatepass")
        return self._folder / f"{blake2b(told, digest_size=16).hexdigest()}.safetensors"


def _hash(latents: Tensor) -> str:
    raw = latents.reshape(-1).view(torch.uint8).numpy()
    return blake2b(raw.data, digest_size=16).hexdigest()
