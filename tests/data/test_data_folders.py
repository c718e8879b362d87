"""The reader imagefolder, and the demo photographs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.data.registry import DATA
from roadworthy.errors import SampleError, UsageError
from roadworthy.types import Dataset

Make = Callable[[int], bytes]


def folder_of(root: Path, names: list[str], picture: Make) -> Path:
    for i, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture(i))
    return root


def read(path: object, **parameters: object) -> Dataset:
    opened: Dataset = DATA.get("imagefolder").function(str(path), **parameters)
    return opened


def refusal(path: object, **parameters: object) -> str:
    with pytest.raises(UsageError) as caught:
        read(path, **parameters)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_folders_in_sorted_order_are_the_classes(tmp_path: Path, picture: Make) -> None:
    names = ["dog/b.jpg", "cat/sub/z.PNG", "cat/a.jpeg", "ant/x.webp"]
    data = read(folder_of(tmp_path, names, picture))
    assert data.classes.names == ("ant", "cat", "dog")
    assert data.classes.count == 3
    got = [(s.id, s.label) for s in data.samples]
    assert got == [("ant/x.webp", 0), ("cat/a.jpeg", 1), ("cat/sub/z.PNG", 1), ("dog/b.jpg", 2)]
    assert data.read(data.samples[2]) == picture(1)
    assert len({s.content for s in data.samples}) == 4
    assert all(len(s.content) == 16 for s in data.samples)


def test_integer_folders_are_indices_in_numeric_order(tmp_path: Path, picture: Make) -> None:
    data = read(folder_of(tmp_path, ["10/a.png", "2/a.png", "0/a.png"], picture))
    assert {s.id: s.label for s in data.samples} == {"0/a.png": 0, "10/a.png": 10, "2/a.png": 2}
    assert data.classes.count is None
    assert data.classes.names is None
    assert read(tmp_path, classes=1000).classes.count == 1000
    assert "0..9" in refusal(tmp_path, classes=10)


def test_wordnet_folders_are_recognised(tmp_path: Path, picture: Make) -> None:
    data = read(folder_of(tmp_path, ["n02000000/a.png", "n01440764/a.png"], picture))
    assert data.classes.wnids == ("n01440764", "n02000000")
    assert data.classes.names is None


def test_hidden_and_other_files_are_left_out(tmp_path: Path, picture: Make) -> None:
    names = ["cat/a.png", "cat/.b.png", ".git/c.png", "__MACOSX/d.png", "cat/.x/e.png"]
    folder_of(tmp_path, names, picture)
    (tmp_path / "cat/notes.txt").write_text("x")
    (tmp_path / "readme.png").write_bytes(picture(9))
    assert [s.id for s in read(tmp_path).samples] == ["cat/a.png"]


def test_an_empty_class_keeps_its_index(tmp_path: Path, picture: Make) -> None:
    folder_of(tmp_path, ["a/1.png", "c/1.png"], picture)
    (tmp_path / "b").mkdir()
    data = read(tmp_path)
    assert [s.label for s in data.samples] == [0, 2]
    assert data.classes.count == 3


def test_content_follows_bytes_and_label(tmp_path: Path, picture: Make) -> None:
    data = read(folder_of(tmp_path, ["0/a.png", "1/b.png"], picture))
    (tmp_path / "1/b.png").write_bytes(picture(0))
    (tmp_path / "1/c.png").write_bytes(picture(0))
    again = read(tmp_path)
    assert again.samples[0].content == data.samples[0].content
    assert again.samples[1].content != data.samples[1].content
    assert again.samples[1].content == again.samples[2].content
    assert again.samples[1].content != again.samples[0].content


def test_a_name_that_is_not_utf8_gets_a_printable_id(tmp_path: Path, picture: Make) -> None:
    folder_of(tmp_path, ["cat/a.png"], picture)
    odd = os.fsencode(tmp_path) + b"/cat/\xff.png"
    try:
        with open(odd, "wb") as file:
            file.write(picture(1))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    data = read(tmp_path)
    assert [s.id for s in data.samples] == ["cat/a.png", "cat/\\xff.png"]
    assert data.read(data.samples[1]) == picture(1)


def test_an_image_gone_or_not_a_file_fails_by_itself(tmp_path: Path, picture: Make) -> None:
    data = read(folder_of(tmp_path, ["cat/a.png", "cat/b.png"], picture))
    (tmp_path / "cat/a.png").unlink()
    (tmp_path / "cat/b.png").unlink()
    os.mkfifo(tmp_path / "cat/b.png")
    with pytest.raises(SampleError, match=r"cat/a\.png.*does not exist"):
        data.read(data.samples[0])
    with pytest.raises(SampleError, match=r"cat/b\.png.*not a regular file"):
        data.read(data.samples[1])


def test_what_is_no_image_folder_explains_itself(tmp_path: Path, picture: Make) -> None:
    (tmp_path / "data").mkdir()
    assert "did you mean 'data'" in refusal(tmp_path / "dta")
    assert "is a file; expected a folder" in refusal(folder_of(tmp_path, ["f"], picture) / "f")
    assert "no class folders, no images" in refusal(tmp_path / "data")
    folder_of(tmp_path / "data", ["a.png", "b.jpg"], picture)
    assert "2 images directly in it" in refusal(tmp_path / "data")
    assert "csv:FILE" in refusal(tmp_path / "data")
    (tmp_path / "text" / "cat").mkdir(parents=True)
    (tmp_path / "text" / "cat" / "a.txt").write_text("x")
    assert "no images in 1 folders; expected one folder a class" in refusal(tmp_path / "text")
    folder_of(tmp_path / "only", ["notes.md"], picture)
    assert ".md" in refusal(tmp_path / "only")


def test_splits_are_not_taken_for_classes(tmp_path: Path, picture: Make) -> None:
    folder_of(tmp_path, ["train/cat/a.png", "val/cat/a.png"], picture)
    assert f"imagefolder:{tmp_path}/val" in refusal(tmp_path)


def test_one_class_in_two_folders_is_refused(tmp_path: Path, picture: Make) -> None:
    folder_of(tmp_path, ["1/a.png", "01/a.png"], picture)
    assert "01 and 1 are both class 1" in refusal(tmp_path)


def test_words_refuse_another_class_count(tmp_path: Path, picture: Make) -> None:
    folder_of(tmp_path, ["cat/a.png", "dog/a.png"], picture)
    assert "leave classes= out" in refusal(tmp_path, classes=5)
    assert read(tmp_path, classes=2).classes.count == 2


@pytest.mark.demo
def test_the_demo_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("importlib.util").find_spec("foolbox") or pytest.skip("no foolbox")
    monkeypatch.setitem(sys.modules, "eagerpy", None)  # importing foolbox would now fail
    data = DATA.get("demo").function("photos")
    assert len(data.samples) == 20
    assert data.classes.count == 1000
    assert (data.samples[0].id, data.samples[0].label) == ("imagenet_00_243.jpg", 243)
    assert all(data.read(s).startswith(b"\xff\xd8\xff") for s in data.samples)


def test_the_demo_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'roadworthy\[demo\]'"):
        DATA.get("demo").function("photos")


def test_other_demo_names_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'photos'"):
        DATA.get("demo").function("photo")
