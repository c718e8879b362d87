"""The reader arrays."""

from __future__ import annotations

import io
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy.data import npz
from roadworthy.data.registry import DATA
from roadworthy.errors import SampleError, UsageError
from roadworthy.types import Dataset

RGB = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
LABELS = np.array([3, 1, 0, 1, 2])


def saved(root: Path, **arrays: Any) -> Path:
    np.savez(root / "t.npz", **arrays)
    return root / "t.npz"


def read(path: Path, **parameters: object) -> Dataset:
    opened: Dataset = DATA.get("arrays").function(str(path), **parameters)
    return opened


def pixels_of(data: Dataset, row: int) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data.read(data.samples[row]))))


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images", "labels"), ("x", "y"), ("x_test", "y_test"), ("data", "labels")],
)
def test_pixels_come_back_exactly(tmp_path: Path, images: str, labels: str) -> None:
    data = read(saved(tmp_path, **{images: RGB, labels: LABELS}))
    assert [(s.id, s.label) for s in data.samples][:2] == [("t.npz#0", 3), ("t.npz#1", 1)]
    for row in range(5):
        assert np.array_equal(pixels_of(data, row), RGB[row])
        assert data.read(data.samples[row]).startswith(b"\x89PNG")


def test_the_test_part_wins_over_the_training_part(tmp_path: Path) -> None:
    data = read(saved(tmp_path, x_train=RGB[:2], y_train=LABELS[:2], x_test=RGB, y_test=LABELS))
    assert len(data.samples) == 5


@pytest.mark.parametrize("shape", [(5, 4, 6), (5, 4, 6, 1)])
def test_grey_images(tmp_path: Path, shape: tuple[int, ...]) -> None:
    grey = RGB[..., 0].reshape(shape)
    data = read(saved(tmp_path, images=grey, labels=LABELS.reshape(5, 1).astype(np.uint8)))
    assert np.array_equal(pixels_of(data, 3), RGB[3, :, :, 0])


def test_words_as_labels_and_a_declared_count(tmp_path: Path) -> None:
    data = read(saved(tmp_path, images=RGB[:2], labels=np.array(["dog", "cat"])))
    assert data.classes.names == ("cat", "dog")
    assert [s.label for s in data.samples] == [1, 0]
    assert read(saved(tmp_path, images=RGB, labels=LABELS), classes=10).classes.count == 10


def test_arrays_named_by_the_user(tmp_path: Path) -> None:
    file = saved(tmp_path, photos=RGB, kinds=LABELS)
    data = read(file, images="photos", labels="kinds")
    assert np.array_equal(pixels_of(data, 4), RGB[4])
    with pytest.raises(UsageError, match=r"did you mean 'photos'.*photos uint8\[5, 4, 6, 3\]"):
        read(file, images="photo", labels="kinds")


def test_content_and_other_processes(tmp_path: Path) -> None:
    file = saved(tmp_path, images=RGB, labels=LABELS)
    data = read(file)
    assert len({s.content for s in data.samples}) == 5
    again = pickle.loads(pickle.dumps(data))
    assert again.read(again.samples[2]) == data.read(data.samples[2])
    fresh = pickle.loads(pickle.dumps(again))
    file.write_bytes(b"")
    with pytest.raises(SampleError, match=r"t\.npz#1.*not a readable"):
        fresh.read(fresh.samples[1])


@pytest.mark.parametrize(
    ("arrays", "fragments"),
    [
        ({"images": RGB / 255, "labels": LABELS}, ["float64", "np.round(images * 255)"]),
        ({"images": RGB.astype(np.int64), "labels": LABELS}, ["int64", ".astype(np.uint8)"]),
        ({"images": RGB.transpose(0, 3, 1, 2), "labels": LABELS}, ["transpose(0, 2, 3, 1)"]),
        ({"images": RGB[0, 0], "labels": LABELS}, ["(6, 3)", "expected uint8 (N, H, W, 3)"]),
        ({"images": RGB[:0], "labels": LABELS[:0]}, ["(0, 4, 6, 3)"]),
        ({"images": np.zeros((5, 4, 6, 4), np.uint8), "labels": LABELS}, ["(5, 4, 6, 4)"]),
        ({"images": RGB, "labels": LABELS[:4]}, ["(4,)", "one label for each image"]),
        ({"images": RGB, "labels": np.eye(5)}, ["argmax(axis=1)"]),
        ({"images": RGB, "labels": LABELS / 1}, ["float64", "astype(np.int64)"]),
        ({"images": RGB, "labels": LABELS - 1}, ["row 2", "-1"]),
        ({"pictures": RGB, "labels": LABELS}, ["no array 'images'", "pictures uint8"]),
        ({"images": RGB}, ["no array 'labels'", "(labels=NAME)"]),
        ({"images": RGB, "labels": np.array([{}] * 5)}, ["never unpickled"]),
    ],
)
def test_other_types_and_shapes_say_how_to_convert(
    tmp_path: Path, arrays: dict[str, Any], fragments: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        read(saved(tmp_path, **arrays))
    for fragment in ["t.npz", *fragments]:
        assert fragment in str(caught.value)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "sprung")] * 5, dtype=object)
    for arrays in ({"images": trap, "labels": LABELS}, {"images": RGB, "labels": trap}):
        with pytest.raises(UsageError, match="never unpickled"):
            read(saved(tmp_path, **arrays))
    assert not (tmp_path / "sprung").exists()
    (tmp_path / "t.npz").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(UsageError, match="not a readable"):
        read(tmp_path / "t.npz")
    assert not (tmp_path / "sprung").exists()


def test_a_header_that_promises_too_much_allocates_nothing(tmp_path: Path) -> None:
    header = io.BytesIO()
    huge = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**6, 3)}
    np.lib.format.write_array_header_1_0(header, huge)
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue())
    with pytest.raises(UsageError, match="expected at most 4294967296"):
        read(tmp_path / "t.npz")


def test_damage_is_a_clear_error(tmp_path: Path) -> None:
    whole = saved(tmp_path, images=RGB, labels=LABELS).read_bytes()
    file = tmp_path / "t.npz"
    for n in range(0, len(whole), 37):
        for variant in (whole[:n], whole[:n] + bytes([whole[n] ^ 0xFF]) + whole[n + 1 :]):
            file.write_bytes(variant)
            with suppress(UsageError, SampleError):  # anything else is a failure
                data = read(file)
                for sample in data.samples:
                    data.read(sample)


def test_an_archive_without_arrays(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("readme.txt", "x")
    assert npz.members(tmp_path / "t.npz", "t") == {}
    with pytest.raises(UsageError, match="found no arrays"):
        read(tmp_path / "t.npz")
