"""Textual inversion (Gal et al. 2023): tokens that a text encoder was taught, from files.

diffusers writes a token's vectors under its name; other tools write `emb_params`, or `clip_l` and
`clip_g` for the encoders of SDXL, and the token is called as the file is. A token of several
vectors stands for as many: `<cat>`, `<cat>_1`, …
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lit_clid.errors import UserError, few, first_line
from lit_clid.models.quiet import silent
from lit_clid.models.weights import header, put_on, read_tensors
from lit_clid.source import Source

ENCODERS = {"clip_l": "", "clip_g": "_2"}
"""Whose vectors stand under a name: how the pipeline's tokenizer and text encoder end."""


def taught(file: Path) -> dict[str, tuple[str, str, int]]:
    """What a file holds, by the tensor's name: whose tokenizer (how its name ends), the token, and
    how many vectors.

    Raises:
        UserError: if it holds anything else.
    """
    shapes = {name: each["shape"] for name, each in header(file).items() if name != "__metadata__"}
    vectors = {name: shape[0] if len(shape) == 2 else 1 for name, shape in shapes.items()}
    if shapes and set(shapes) <= set(ENCODERS):
        return {name: (ENCODERS[name], file.stem, count) for name, count in vectors.items()}
    if len(shapes) != 1 or not all(len(shape) in (1, 2) for shape in shapes.values()):
        raise UserError(
            f"{file}: holds no learned token but {few(sorted(shapes), 3)}; a LoRA belongs to "
            "target.lora"
        )
    ((name, count),) = vectors.items()
    return {name: ("", file.stem if name == "emb_params" else name, count)}


def all_tokens(token: str, count: int) -> list[str]:
    """The tokens that one of several vectors stands for."""
    return [token, *(f"{token}_{k}" for k in range(1, count))]


def teach_tokens(pipeline: Any, file: Path) -> None:
    """Add a file's tokens to a pipeline's tokenizers and their vectors to its text encoders.

    Raises:
        UserError: if they are of other encoders, or the tokenizer knows them already.
    """
    if not hasattr(pipeline, "load_textual_inversion"):
        raise UserError(
            f"target.textual_inversion: a {type(pipeline).__name__} learns no tokens; leave out "
            f"{file}"
        )
    tensors = read_tensors(file)
    for name, (end, token, _) in taught(file).items():
        encoder = getattr(pipeline, f"text_encoder{end}", None)
        try:
            if encoder is None:
                raise ValueError(f"the pipeline has no text_encoder{end}")
            with silent():
                pipeline.load_textual_inversion(
                    {token: tensors[name].float()},
                    token=token,
                    text_encoder=encoder,
                    tokenizer=getattr(pipeline, f"tokenizer{end}"),
                )
        except Exception as error:  # diffusers and torch raise their own
            raise UserError(
                f"{file}: the token {token} does not fit this base ({first_line(error)}); name its "
                "own base with target.path"
            ) from None


def add_tokens(parts: Mapping[str, Any], file: Path) -> None:
    """The same for tokenizers alone; what stands for an encoder is told how many rows it has.

    Args:
        parts: tokenizers and stand-ins by the pipeline's names.
    """
    for end, token, count in taught(file).values():
        tokenizer = parts.get(f"tokenizer{end}")
        if tokenizer is not None:
            tokenizer.add_tokens(all_tokens(token, count))
            parts[f"text_encoder{end}"].config.vocab_size = len(tokenizer)


def learned_tokens(source: Source) -> list[str]:
    """A sentence for each token that a source teaches its text encoders."""
    files, lines = put_on(source), []
    for name in source.textual_inversion:
        counts = {token: count for _, token, count in taught(files[name]).values()}
        for token, count in counts.items():
            vectors = "a learned vector" if count == 1 else f"{count} learned vectors"
            lines.append(f"token {token} in a caption stands for {vectors} ({name})")
    return lines
