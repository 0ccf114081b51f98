"""Archives of captioned images, written in milliseconds."""

import io
import tarfile
from pathlib import Path

import datasets
from folders import picture


def image(seed: int, kind: str = "PNG") -> bytes:
    picture(seed).save(content := io.BytesIO(), kind)
    return content.getvalue()


def table_of(folder: Path) -> dict[str, object]:
    """Options of a parquet file of 24 records."""
    rows: dict[str, list[object]] = {
        "image": [{"bytes": image(k), "path": None} for k in range(24)],
        "text": [f"picture number {k}" for k in range(24)],
    }
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / "a.parquet")
    return {"source": str(folder / "a.parquet")}


def shard(file: Path, files: dict[str, bytes | str]) -> Path:
    with tarfile.open(file, "w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file
