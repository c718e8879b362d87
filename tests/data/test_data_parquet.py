"""The reader parquet."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from roadworthy.data import shards
from roadworthy.data.order import order
from roadworthy.data.registry import DATA
from roadworthy.errors import SampleError, UsageError
from roadworthy.types import Dataset, Sample

Make = Callable[[int], bytes]


def read(path: Path, **parameters: object) -> Dataset:
    opened: Dataset = DATA.get("parquet").function(str(path), **parameters)
    return opened


def refusal(path: Path, **parameters: object) -> str:
    with pytest.raises(UsageError) as caught:
        read(path, **parameters)
    return str(caught.value)


def write(path: Path, columns: dict[str, Any], feature: Any = None, group: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = None
    if feature is not None:
        metadata = {"huggingface": json.dumps({"info": {"features": feature}})}
    pl.DataFrame(columns).write_parquet(path, metadata=metadata, row_group_size=group)
    return path


def structs(picture: Make, numbers: range) -> list[dict[str, object]]:
    return [{"bytes": picture(i), "path": f"{i}.png"} for i in numbers]


CAT_DOG = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}


def test_the_hugging_face_layout(tmp_path: Path, picture: Make) -> None:
    columns = {"image": structs(picture, range(3)), "label": [1, 0, 1], "target": [0, 1, 0]}
    file = write(tmp_path / "t.parquet", {**columns, "box": [[1], [2], [3]]}, CAT_DOG)
    data = read(file)
    assert data.classes.names == ("cat", "dog")
    assert [(s.id, s.label) for s in data.samples] == [
        ("t.parquet#0", 1),
        ("t.parquet#1", 0),
        ("t.parquet#2", 1),
    ]
    assert [data.read(s) for s in data.samples] == [picture(i) for i in range(3)]
    assert dict(data.samples[1].columns) == {"target": 1}
    assert len({s.content for s in data.samples}) == 3
    assert data.fetch.rows_at_once is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("image", ["image", "img", "bytes", "png", "jpeg"])
@pytest.mark.parametrize("label", ["label", "labels", "cls", "fine_label"])
def test_flat_columns_of_usual_names(tmp_path: Path, picture: Make, image: str, label: str) -> None:
    data = read(write(tmp_path / "t.parquet", {label: [4], "note": ["x"], image: [picture(0)]}))
    assert (data.samples[0].label, data.read(data.samples[0])) == (4, picture(0))
    assert data.classes.count is None


def test_columns_named_by_the_user(tmp_path: Path, picture: Make) -> None:
    columns = {"image": [picture(0)], "view": [picture(1)], "label": [1], "coarse": ["pet"]}
    data = read(write(tmp_path / "t.parquet", columns), image="view", label="coarse")
    assert data.read(data.samples[0]) == picture(1)
    assert data.classes.names == ("pet",)
    assert data.samples[0].columns["label"] == 1


def test_words_follow_the_declared_order(tmp_path: Path, picture: Make) -> None:
    feature = {"label": {"names": ["zebra", "ant"]}}
    file = write(
        tmp_path / "t.parquet", {"png": [picture(0)] * 2, "label": ["ant", "zebra"]}, feature
    )
    data = read(file)
    assert data.classes.names == ("zebra", "ant")
    assert [s.label for s in data.samples] == [1, 0]


def test_a_plain_count_in_place_of_names(tmp_path: Path, picture: Make) -> None:
    file = write(tmp_path / "t.parquet", {"png": [picture(0)], "label": [1]}, CAT_DOG)
    assert read(file, classes=10).classes.count == 10
    assert read(file, classes=10).classes.names is None
    assert "out of range" in refusal(file, classes=1)


def test_a_folder_of_shards(tmp_path: Path, picture: Make) -> None:
    for shard in (1, 0):
        columns = {"image": structs(picture, range(shard * 2, shard * 2 + 2)), "label": [0, 1]}
        write(tmp_path / f"test-0000{shard}-of-00002.parquet", columns, CAT_DOG)
    data = read(tmp_path)
    assert [s.id for s in data.samples][1:3] == [
        "test-00000-of-00002.parquet#1",
        "test-00001-of-00002.parquet#0",
    ]
    assert [data.read(s) for s in data.samples] == [picture(i) for i in range(4)]
    write(tmp_path / "train-00000-of-00001.parquet", {"png": [picture(9)], "label": [0]}, CAT_DOG)
    assert "several splits (test, train)" in refusal(tmp_path)
    assert len(read(tmp_path, split="test").samples) == 4
    assert "did you mean 'train'" in refusal(tmp_path, split="trian")


def test_large_sets_are_read_in_groups_in_any_order_from_several_threads(
    tmp_path: Path, picture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "IN_MEMORY", 0)
    monkeypatch.setattr(shards, "GROUP", 7)
    monkeypatch.setattr(shards, "CACHED_GROUPS", 3000)
    for shard in range(2):
        columns = {"image": structs(picture, range(shard * 50, shard * 50 + 50)), "label": [0] * 50}
        write(tmp_path / f"{shard}.parquet", columns, group=10)
    data = read(tmp_path)
    shuffled = order(data.samples, seed=1)
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(data.read, shuffled))
    expected = [picture(s.location[0] * 50 + s.location[1]) for s in shuffled]
    assert got == expected
    rows: shards.Rows = data.fetch  # type: ignore[attr-defined]
    assert 1 <= len(rows._kept) < 16
    assert rows._size() <= 3000 or len(rows._kept) == 1
    again: shards.Rows = pickle.loads(pickle.dumps(rows))
    assert again(shuffled[0]) == expected[0]


def test_a_row_without_bytes_fails_by_itself(tmp_path: Path, picture: Make) -> None:
    rows = [{"bytes": picture(0), "path": "0"}, {"bytes": None, "path": "1"}, None]
    data = read(write(tmp_path / "t.parquet", {"image": rows, "label": [0, 1, 2]}))
    assert data.read(data.samples[0]) == picture(0)
    for sample in data.samples[1:]:
        with pytest.raises(SampleError, match=rf"{sample.id}.*no image bytes"):
            data.read(sample)


def test_a_file_damaged_later_fails_its_samples(tmp_path: Path, picture: Make) -> None:
    file = write(tmp_path / "t.parquet", {"png": [picture(0)] * 2, "label": [0, 1]})
    data = read(file)
    file.write_bytes(b"PAR1 damaged PAR1")
    with pytest.raises(SampleError, match=r"t\.parquet#1.*Parquet"):
        data.read(data.samples[1])
    with pytest.raises(SampleError):
        data.read(Sample("t.parquet#99", 0, "", (0, 99)))


def test_content_changes_with_the_file_row_label_and_target(tmp_path: Path, picture: Make) -> None:
    def contents(labels: list[int], name: str = "t") -> list[str]:
        columns = {"png": [picture(0)] * 2, "label": labels}
        return [s.content for s in read(write(tmp_path / f"{name}.parquet", columns)).samples]

    first = contents([0, 0])
    assert contents([0, 0], "renamed") == first
    assert len({*first, *contents([0, 1])}) == 4


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"not a parquet file at all, but text"])
def test_what_is_no_parquet_explains_itself(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "t.parquet"
    file.write_bytes(damage)
    message = refusal(file)
    assert str(file) in message
    assert "cannot be read as Parquet" in message


def test_every_truncation_and_flipped_byte_is_a_clear_error(tmp_path: Path, picture: Make) -> None:
    file = write(tmp_path / "t.parquet", {"png": [picture(0)] * 4, "label": [0, 1, 0, 1]})
    whole = file.read_bytes()
    step = max(1, len(whole) // 60)
    variants = [whole[:n] for n in range(0, len(whole), step)]
    variants += [
        whole[:n] + bytes([whole[n] ^ 0xFF]) + whole[n + 1 :] for n in range(0, len(whole), step)
    ]
    for variant in variants:
        file.write_bytes(variant)
        with suppress(UsageError, SampleError):  # anything else is a failure
            data = read(file)
            for sample in data.samples:
                data.read(sample)


@pytest.mark.parametrize(
    ("columns", "fragments"),
    [
        ({"image": ["a.png"], "label": [0]}, ["no column of encoded images", "image (String)"]),
        ({"png": [b"x"], "lable": [0]}, ["no label column", "lable (Int64)"]),
        ({"png": [b"x"], "label": [None]}, ["t.parquet#0", "label is missing"]),
        ({"png": [b"x"], "label": [-1]}, ["t.parquet#0", "-1", "split without labels"]),
        ({"png": [b"x"], "label": [1.5]}, ["t.parquet#0", "float"]),
        ({"png": [b"x"], "label": [True]}, ["t.parquet#0", "bool"]),
        ({"png": [b"x"], "label": [[1, 2]]}, ["t.parquet#0", "list"]),
        ({"png": [b"x"], "label": [2]}, ["t.parquet#0", "2 classes are declared", "from 1"]),
        ({"png": [], "label": []}, ["no"]),
    ],
)
def test_columns_that_do_not_fit(
    tmp_path: Path, columns: dict[str, Any], fragments: list[str]
) -> None:
    message = refusal(write(tmp_path / "t.parquet", columns, CAT_DOG))
    for fragment in ["parquet", *fragments]:
        assert fragment in message


def test_names_of_columns_that_are_not_there(tmp_path: Path, picture: Make) -> None:
    file = write(tmp_path / "t.parquet", {"picture": [picture(0)], "answer": [1]})
    assert "did you mean 'picture'" in refusal(file, image="pictures", label="answer")
    assert "did you mean 'answer'" in refusal(file, image="picture", label="answers")


@pytest.mark.parametrize(
    "text", ["not json", "[]", '{"info": 3}', "[" * 5000, '{"info":{"features":{"label":[]}}}']
)
def test_odd_metadata_is_no_metadata(tmp_path: Path, picture: Make, text: str) -> None:
    frame = pl.DataFrame({"png": [picture(0)], "label": [1]})
    frame.write_parquet(tmp_path / "t.parquet", metadata={"huggingface": text})
    assert read(tmp_path / "t.parquet").classes.count is None


def test_shards_of_different_sets_are_refused(tmp_path: Path, picture: Make) -> None:
    columns = {"png": [picture(0)], "label": [0]}
    write(tmp_path / "a.parquet", columns, CAT_DOG)
    write(tmp_path / "b.parquet", columns, {"label": {"names": ["dog", "cat"]}})
    assert "declare different classes" in refusal(tmp_path)
    write(tmp_path / "b.parquet", {"png": [picture(0)], "y": [0]}, CAT_DOG)
    assert "b.parquet has no column 'label'" in refusal(tmp_path)
    (tmp_path / "empty").mkdir()
    assert "no file in it ends in .parquet" in refusal(tmp_path / "empty")
