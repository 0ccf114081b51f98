"""Archives of captioned images, written in milliseconds."""

import io
import tarfile
from pathlib import Path

from folders import picture


def image(seed: int, kind: str = "PNG") -> bytes:
    picture(seed).save(content := io.BytesIO(), kind)
    return content.getvalue()


def shard(file: Path, files: dict[str, bytes | str]) -> Path:
    with tarfile.open(file, "w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file
