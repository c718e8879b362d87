"""Opening a data set from the text that names it, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.data.base import Images, unique_ids
from roadworthy.data.registry import DATA, open_data
from roadworthy.errors import UsageError
from roadworthy.spec import parse
from roadworthy.types import Dataset

Make = Callable[[int], bytes]


@pytest.fixture
def table(tmp_path: Path, picture: Make, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "val").mkdir()
    (tmp_path / "val/a.png").write_bytes(picture(0))
    (tmp_path / "val/labels.csv").write_text("file,label,synset\na.png,5,n00000005\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_file_is_a_reader_with_a_summary() -> None:
    assert {"arrays", "csv", "demo", "imagefolder", "imagenet_c", "parquet"} <= set(DATA)
    for name in DATA:
        assert DATA.get(name).name == name
        assert DATA.get(name).doc
        assert DATA.summary(name)


def test_the_spec_is_canonical_and_keeps_the_path_as_written(table: Path) -> None:
    data = open_data("csv:val/labels.csv( classes = 1000, label='label' )")
    assert data.spec == "csv:val/labels.csv(classes=1000)"
    assert data.classes.count == 1000
    assert open_data(data.spec).samples == data.samples
    assert open_data(parse(data.spec)).spec == data.spec
    assert open_data("csv:val/labels.csv(label=synset)").classes.wnids == ("n00000005",)


def test_relative_paths_start_at_the_base(
    table: Path, picture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    data = open_data("csv:labels.csv", base=table / "val")
    assert data.spec == "csv:labels.csv"
    assert data.read(data.samples[0]) == picture(0)
    assert len(open_data(f"csv:{table}/val/labels.csv", base=Path("/none")).samples) == 1
    monkeypatch.setenv("HOME", str(table))
    assert len(open_data("csv:~/val/labels.csv").samples) == 1


def test_a_relative_path_survives_a_change_of_folder(
    table: Path, picture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (table / "val/cat").mkdir()
    (table / "val/cat/b.png").write_bytes(picture(1))
    opened = [open_data("csv:val/labels.csv"), open_data("imagefolder:val")]
    monkeypatch.chdir("/")
    assert [data.read(data.samples[0]) for data in opened] == [picture(0), picture(1)]


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("csvv:x", ["'csvv'", "did you mean 'csv'"]),
        ("csv:x.csv(clases=3)", ["clases", "did you mean 'classes'"]),
        ("csv:val/labels.csv(classes=many)", ["classes", "many"]),
        ("csv", ["no path", "csv:FILE.csv"]),
        ("demo", ["demo/photos"]),
        ("demo/phots", ["did you mean 'photos'"]),
        ("val", ["val is a folder: write imagefolder:val"]),
        ("./val", ["./val is a folder: write imagefolder:./val"]),
        ("val/labels.csv", ["val/labels.csv is a file: write csv:val/labels.csv"]),
        ("csv:val/label.csv", ["val/label.csv", "did you mean 'labels.csv'"]),
        ("csv:" + "x" * 5000, ["xxx"]),
        ("csv:~nobody-of-this-name/x", ["~nobody"]),
    ],
)
def test_what_cannot_be_opened_explains_itself(
    table: Path, text: str, fragments: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        open_data(text)
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_any_data_set_of_a_plug_in_gets_the_canonical_spec(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = open_data("csv:val/labels.csv")

    class Own:
        spec, classes, samples, read = "?", inner.classes, inner.samples, inner.read

    definition = DATA.get("csv")
    monkeypatch.setattr(type(DATA), "get", lambda self, name: _with(definition, Own()))
    opened: Dataset = open_data("csv:val/labels.csv")
    assert (opened.spec, opened.samples) == ("csv:val/labels.csv", inner.samples)
    assert isinstance(opened, Images)


def _with(definition: object, result: object) -> object:
    from dataclasses import replace

    return replace(definition, function=lambda path, **_: result)  # type: ignore[type-var]


def test_numbered_ids_never_collide() -> None:
    assert unique_ids(["a", "a#2", "a", "a", "b"]) == ["a", "a#2", "a#3", "a#4", "b"]


def test_data_import_neither_torch_nor_polars_nor_pillow() -> None:
    code = (
        "import sys, roadworthy.data.registry as r, roadworthy.data.labels, roadworthy.data.order;"
        "list(r.DATA); print(sorted({'torch','polars','PIL','cv2','foolbox'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
