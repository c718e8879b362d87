"""The reader csv."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.data.registry import DATA
from roadworthy.errors import SampleError, UsageError
from roadworthy.types import Dataset

Make = Callable[[int], bytes]


@pytest.fixture
def root(tmp_path: Path, picture: Make) -> Path:
    for i, name in enumerate(("a.png", "b.png", "c, d.png")):
        (tmp_path / name).write_bytes(picture(i))
    return tmp_path


def read(root: Path, table: str | bytes, **parameters: object) -> Dataset:
    file = root / "labels.csv"
    file.write_bytes(table if isinstance(table, bytes) else table.encode())
    opened: Dataset = DATA.get("csv").function(str(file), **parameters)
    return opened


def refusal(root: Path, table: str | bytes, **parameters: object) -> str:
    with pytest.raises(UsageError) as caught:
        read(root, table, **parameters)
    assert "labels.csv" in str(caught.value)
    return str(caught.value)


def test_relative_and_absolute_paths_and_extra_columns(root: Path, picture: Make) -> None:
    data = read(root, f"label,file,target,who\n7,a.png,3,Ann\n2,{root}/b.png,,Bob\n")
    first, second = data.samples
    assert (first.id, first.label, dict(first.columns)) == ("a.png", 7, {"target": 3, "who": "Ann"})
    assert (second.label, second.columns["target"]) == (2, None)
    assert [data.read(s) for s in data.samples] == [picture(0), picture(1)]
    assert data.classes.count is None


def test_the_target_belongs_to_the_content_and_a_credit_does_not(root: Path) -> None:
    contents = [
        read(root, f"file,label,target,who\na.png,7,{target},{who}\n").samples[0].content
        for target, who in ((3, "Ann"), (4, "Ann"), (3, "Bob"))
    ]
    assert contents[0] == contents[2] != contents[1]


@pytest.mark.parametrize(
    "table",
    [
        'file,label\n"c, d.png",1\na.png,0\n',
        '\ufefffile,label\r\n"c, d.png",1\r\n\r\na.png,0\r\n',
        "file;label\nc, d.png;1\na.png;0",
        "file\tlabel\nc, d.png\t1\na.png\t0\n",
        'file,label,note\n"c, d.png",1,"two\nlines"\na.png, 0,\n',
    ],
    ids=["quoted", "bom crlf blank", "semicolon", "tab", "line break in a field"],
)
def test_forms_of_a_table(root: Path, table: str) -> None:
    data = read(root, table)
    assert [(s.id, s.label) for s in data.samples] == [("c, d.png", 1), ("a.png", 0)]


def test_repeated_rows_get_ids_of_their_own(root: Path) -> None:
    data = read(root, "file,label\na.png,0\nb.png,1\na.png,0\na.png,2\n")
    assert [s.id for s in data.samples] == ["a.png", "b.png", "a.png#2", "a.png#3"]
    assert data.samples[0].content == data.samples[2].content != data.samples[3].content


def test_labels_as_words_and_as_wordnet_ids(root: Path) -> None:
    data = read(root, "file,label,target\na.png,dog,cat\nb.png,cat,1\n")
    assert data.classes.names == ("cat", "dog")
    assert [(s.label, s.columns["target"]) for s in data.samples] == [(1, 0), (0, 1)]
    data = read(
        root, "path,synset\na.png,n02000000\nb.png,n01000000\n", file="path", label="synset"
    )
    assert data.classes.wnids == ("n01000000", "n02000000")
    assert data.classes.names is None
    assert [s.label for s in data.samples] == [1, 0]


def test_columns_that_say_what_indices_mean(root: Path) -> None:
    data = read(root, "file,label,synset,name\na.png,3,n02000000,cat\nb.png,1,n01000000,dog\n")
    assert data.classes.wnids == ("", "n01000000", "", "n02000000")
    assert data.classes.names == ("", "dog", "", "cat")
    assert data.classes.count is None


@pytest.mark.parametrize(
    "rows",
    ["a.png,3,x\nb.png,3,y\n", "a.png,3,x\nb.png,1,x\n"],
    ids=["two names for a label", "one name for two labels"],
)
def test_a_name_column_that_is_not_about_classes_is_no_evidence(root: Path, rows: str) -> None:
    data = read(root, "file,label,name\n" + rows)
    assert data.classes.names is None
    assert {s.columns["name"] for s in data.samples} <= {"x", "y"}


def test_a_declared_count(root: Path) -> None:
    assert read(root, "file,label\na.png,7\n", classes=1000).classes.count == 1000
    assert "line 2: label 7 is out of range; expected 0..6" in refusal(
        root, "file,label\na.png,7\n", classes=7
    )
    assert "classes=0" in refusal(root, "file,label\na.png,7\n", classes=0)


def test_a_missing_image_fails_by_itself_unless_all_are_missing(root: Path) -> None:
    data = read(root, "file,label\na.png,0\ngone.png,1\n")
    with pytest.raises(SampleError, match=r"gone\.png.*does not exist"):
        data.read(data.samples[1])
    message = refusal(root, "file,label\ngone.png,0\nlost.png,1\n")
    assert "none of its 2 images can be found" in message
    assert str(root / "gone.png") in message


@pytest.mark.parametrize(
    ("table", "fragments"),
    [
        ("", ["line 1", "no column 'file'", "found nothing"]),
        ("file,label\n", ["no rows below the header"]),
        ("fil,label\na.png,1\n", ["no column 'file'", "did you mean 'fil'", "(file=COLUMN"]),
        ("file;lable\na.png;1\n", ["no column 'label'", "did you mean 'lable'", "semicolon"]),
        ("file,label,label\na.png,1,1\n", ["'label' appears twice"]),
        ("file,label\na.png,1\nb.png,1,5\n", ["line 3", "3 fields; expected 2"]),
        ('file,label,x\na.png,1,"1\n2"\nb.png,1\n', ["line 4", "2 fields"]),
        ("file,label\na.png,\n", ["line 2", "label is empty"]),
        ("file,label\n,1\n", ["line 2", "'file' is empty"]),
        ("file,label\na.png,1\nb.png,cat\n", ["line 3", "'cat'", "'1'", "line 2"]),
        ("file,label\na.png,cat\nb.png,1\n", ["line 3", "'1'", "'cat'"]),
        ("file,label\na.png,3.0\n", ["line 2", "'3.0' is not a class index"]),
        ("file,label\na.png,-1\n", ["line 2", "'-1' is not a class index"]),
        ("file,label\na.png,99999999999999999999\n", ["line 2", "out of range"]),
        ("file,label\na.png," + "9" * 5000 + "\n", ["line 2", "out of range"]),
        ("file,label,target\na.png,1,cat\n", ["line 2", "target 'cat' is not a class"]),
        (b"file,label\na.png,1\n\xff\xfe,2\n", ["not UTF-8"]),
        (b"file,label\na.png,1\n\0.png,2\n", ["labels.csv"]),
        ('file,label\na.png,1\n"b.png,2\n', ["after line 2", "not a table"]),
        ('file,label\n"' + "x" * 200_000 + '",1\n', ["not a table"]),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    root: Path, table: str | bytes, fragments: list[str]
) -> None:
    if b"\0" in (table if isinstance(table, bytes) else b""):
        try:  # Python 3.11 and later take the character; the sample then fails by itself
            data = read(root, table)
        except UsageError:
            return
        with pytest.raises(SampleError):
            data.read(data.samples[1])
        return
    message = refusal(root, table)
    for fragment in fragments:
        assert fragment in message


def test_a_folder_or_nothing_in_place_of_a_table(root: Path) -> None:
    reader = DATA.get("csv").function
    with pytest.raises(UsageError, match="is a folder; expected a file"):
        reader(str(root))
    with pytest.raises(UsageError, match=r"cannot be opened.*expected a file"):
        reader(str(root / "none.csv"))
