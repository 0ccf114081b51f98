"""The first rows of a data set, for which a local folder stands: streamed once, then kept."""

import shutil
from pathlib import Path

import datasets
import pytest
from archived import image
from folders import image_folder, options, picture

from lit_clid.config.options.data import DataOptions
from lit_clid.data import hub_stream, sources
from lit_clid.data.hub_stream import stream_hub
from lit_clid.data.sources import Source
from lit_clid.errors import UserError


def hub_like(folder: Path, count: int = 12) -> str:
    folder.mkdir()
    rows = [
        {"image": {"bytes": image(k), "path": None}, "text": f"picture number {k}"}
        for k in range(count)
    ]
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    table = datasets.Dataset.from_list(rows, features=features)
    table.select(range(6)).to_parquet(folder / "train-0.parquet")
    table.select(range(6, count)).to_parquet(folder / "train-1.parquet")
    return str(folder)


def opened(name: str, count: int, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setattr(sources, "stream_hub", lambda _, *asked: stream_hub(name, *asked))
    return sources.open_source(DataOptions(source="some/one", stream=count))


def test_the_first_rows_are_streamed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = hub_like(tmp_path / "data")
    source = opened(name, 8, monkeypatch)
    assert source.captions == tuple(f"picture number {k}" for k in range(8))
    assert source.open_image(7).tobytes() == picture(7).tobytes()
    assert "streaming the first 8 rows" in capsys.readouterr().out
    for file in Path(name).iterdir():
        file.unlink()  # nothing is asked for again
    again = opened(name, 8, monkeypatch)
    assert (again.ids, again.captions) == (source.ids, source.captions)
    assert again.open_image(7).tobytes() == picture(7).tobytes()
    assert not capsys.readouterr().out
    (kept,) = (tmp_path / "cache" / "first rows").iterdir()
    assert not kept.name.startswith(".")


def test_rows_that_were_kept_and_are_not_whole_any_more_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = hub_like(tmp_path / "data")
    opened(name, 5, monkeypatch)
    kept = Path(capsys.readouterr().out.strip().rpartition(" kept in ")[2])
    for file in kept.glob("*.arrow"):
        file.unlink()  # as a cluster clears files that nobody read for long
    with pytest.raises(UserError, match=r"not whole any more .* delete the folder"):
        opened(name, 5, monkeypatch)
    shutil.rmtree(kept)
    assert len(opened(name, 5, monkeypatch).captions) == 5


def test_fewer_rows_than_asked_for_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"13 rows are asked for and .* has 12"):
        stream_hub(hub_like(tmp_path / "data"), None, "train", 13)
    assert not list((tmp_path / "cache" / "first rows").iterdir())


def test_what_is_not_there_is_one_line() -> None:
    with pytest.raises(UserError, match=r"'nobody/nothing': cannot be streamed .*the network"):
        stream_hub("nobody/nothing", None, "train", 3)


def test_csv_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("image,text\na.png,01\n")
    with pytest.raises(UserError, match="changes what CSV files say"):
        stream_hub(str(tmp_path / "data"), None, "train", 1)


def test_only_the_hub_is_streamed(tmp_path: Path) -> None:
    told = options(image_folder(tmp_path / "images"), stream=3)
    with pytest.raises(UserError, match=r"data\.stream: streams a hub.*imagefolder is none"):
        sources.open_sources(told)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "https://example.org/a.png",
        "hf://datasets/another/one@main/a.png",
        "zip://a.png::/etc/passwd",
        "file:///etc/passwd::hf://datasets/some/one@main/a.zip",
    ],
)
def test_paths_outside_the_data_set_are_not_opened(path: str) -> None:
    assert hub_stream._with_bytes({"bytes": None, "path": path}, "some/one") is None


def test_paths_within_the_data_set_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(image(0))
    asked: list[str] = []

    def xopen(path: str, mode: str) -> object:
        asked.append(path)
        return (tmp_path / "a.png").open(mode)

    monkeypatch.setattr(datasets.utils.file_utils, "xopen", xopen)
    for path in (
        "hf://datasets/some/one@abc/a.png",
        "zip://a.png::hf://datasets/some/one@abc/a.zip",
    ):
        cell = hub_stream._with_bytes({"bytes": None, "path": path}, "some/one")
        assert cell == {"bytes": image(0), "path": None}
    assert len(asked) == 2
