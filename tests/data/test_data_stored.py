"""Stored benchmarks as data: miniature sets in exactly the published layouts."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from roadworthy import SampleError, UsageError
from roadworthy import open as open_data
from roadworthy.data.base import Images
from roadworthy.data.parts import parts_of
from roadworthy.data.stored import CORRUPTIONS
from roadworthy.stores import store


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    for place, name in enumerate(("fog", "snow")):
        for level in range(1, 6):
            for label in range(2):
                folder = tmp_path / name / str(level) / f"n0000000{label + 1}"
                folder.mkdir(parents=True)
                grey = (place * 100 + level * 10 + label,) * 3
                Pillow.new("RGB", (30, 20), grey).save(folder / "ILSVRC_1.JPEG", quality=100)
    return tmp_path


@pytest.fixture
def cifar(tmp_path: Path) -> Path:
    labels = np.array([3, 1, 2])
    np.save(tmp_path / "labels.npy", np.tile(labels, 5))
    for place, name in enumerate(CORRUPTIONS):
        rows = np.arange(15, dtype=np.uint8)[:, None, None, None] + np.uint8(place * 16)
        np.save(tmp_path / f"{name}.npy", np.broadcast_to(rows, (15, 32, 32, 3)))
    return tmp_path


def grey_of(data: bytes) -> int:
    return int(np.asarray(Pillow.open(io.BytesIO(data)))[0, 0, 0])


def test_imagenet_c_brings_columns_labels_and_its_own_frame(imagenet: Path) -> None:
    data = open_data(f"imagenet_c:{imagenet}(corruptions=[fog, snow], severities=[1, 4])")
    assert isinstance(data, Images)
    assert (len(data.samples), data.frame) == (8, "untouched")
    assert data.classes.wnids == ("n00000001", "n00000002")
    for sample in data.samples:
        name, level = sample.columns["corruption"], sample.columns["severity"]
        assert sample.id == f"{name}/{level}/n0000000{sample.label + 1}/ILSVRC_1.JPEG"
        expected = (name == "snow") * 100 + level * 10 + sample.label
        assert abs(grey_of(data.read(sample)) - expected) <= 1


def test_parts_are_data_sets_of_the_same_images_that_open_alone(imagenet: Path) -> None:
    whole = open_data(f"imagenet_c:{imagenet}(corruptions=(fog, snow))")
    parts = parts_of(whole)
    assert len(parts) == 10
    assert len({tuple(s.id for s in part.samples) for part in parts}) == 1
    for part in parts:
        alone = open_data(part.spec)
        assert alone.spec == part.spec
        assert tuple(alone.samples) == tuple(part.samples)
    assert parts[3].spec == f"imagenet_c:{imagenet}(corruptions=fog, severities=4)"


def test_a_missing_corruption_or_severity_is_an_error(imagenet: Path) -> None:
    with pytest.raises(UsageError, match=r"gaussian_noise, .*missing.*corruptions=\[snow, fog\]"):
        open_data(f"imagenet_c:{imagenet}")
    with pytest.raises(UsageError, match="did you mean 'fog'"):
        open_data(f"imagenet_c:{imagenet}(corruptions=fogg)")
    shutil.rmtree(imagenet / "fog/3")
    with pytest.raises(UsageError, match="fog/3 missing"):
        open_data(f"imagenet_c:{imagenet}(corruptions=fog)")
    for bad in (0, 6):
        with pytest.raises(UsageError, match=f"severity is 1 to 5, not {bad}"):
            open_data(f"imagenet_c:{imagenet}(corruptions=fog, severities={bad})")
    with pytest.raises(UsageError, match="is no name"):
        open_data(f"imagenet_c:{imagenet}(corruptions='../fog')")


def test_other_images_in_one_severity_are_an_error(imagenet: Path) -> None:
    (imagenet / "fog/2/n00000001/ILSVRC_1.JPEG").unlink()
    with pytest.raises(UsageError, match="fog/2 lacks 1 images of fog/1"):
        open_data(f"imagenet_c:{imagenet}(corruptions=fog)")
    (imagenet / "fog/2/n00000001/ILSVRC_1.JPEG").write_bytes(b"x")
    (imagenet / "fog/2/n00000001/more.JPEG").write_bytes(b"x")
    with pytest.raises(UsageError, match="fog/2 has other images"):
        open_data(f"imagenet_c:{imagenet}(corruptions=fog)")


def test_archives_may_stay_in_their_categories(imagenet: Path) -> None:
    (imagenet / "weather").mkdir()
    (imagenet / "fog").rename(imagenet / "weather/fog")
    data = open_data(f"imagenet_c:{imagenet}(corruptions=[fog, snow])")
    assert len(data.samples) == 20


def test_cifar_c_takes_severities_from_the_right_rows(cifar: Path) -> None:
    data = open_data(f"cifar_c:{cifar}(classes=10)")
    assert len(data.samples) == 15 * 15
    for sample in data.samples[::7]:
        place = CORRUPTIONS.index(sample.columns["corruption"])
        row = int(sample.columns["image"][1:])
        expected = place * 16 + (sample.columns["severity"] - 1) * 3 + row
        assert grey_of(data.read(sample)) == expected % 256
        assert sample.label == (3, 1, 2)[row]
    assert {s.columns["severity"] for s in data.samples} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.tile([3, 1, 2], 5)[::-1].copy(), None),
        (np.roll(np.tile([3, 1, 2], 5), 1), None),
        (np.random.default_rng(0).permutation(np.tile([3, 1, 2], 5)), "scrambled"),
        (np.tile([3, 1, 2], 4), "scrambled"),
        (np.tile([3, 1, 2, 0], 5), "has 15 images for 20 labels"),
        (np.tile([3.0, 1, 2], 5), "whole numbers"),
        (np.array([{}] * 15, dtype=object), "no readable array"),
    ],
)
def test_labels_that_do_not_fit(cifar: Path, labels: np.ndarray, said: str | None) -> None:
    np.save(cifar / "labels.npy", labels, allow_pickle=True)
    if said is None:  # five times the same, so nothing tells
        assert open_data(f"cifar_c:{cifar}").samples
        return
    with pytest.raises(UsageError, match=said):
        open_data(f"cifar_c:{cifar}")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((15, 32, 32, 3), np.float32), "expected uint8"),
        (np.zeros((15, 3, 32, 32), np.uint8), "expected uint8"),
        (np.zeros((10, 32, 32, 3), np.uint8), "has 10 images for 15 labels"),
        (np.zeros((15, 16, 16, 3), np.uint8), "but gaussian_noise.npy"),
    ],
)
def test_arrays_of_another_shape(cifar: Path, array: np.ndarray, said: str) -> None:
    np.save(cifar / "fog.npy", array)
    with pytest.raises(UsageError, match=said):
        open_data(f"cifar_c:{cifar}")


def test_missing_and_cut_arrays(cifar: Path) -> None:
    (cifar / "snow.npy").write_bytes((cifar / "snow.npy").read_bytes()[:-100])
    with pytest.raises(UsageError, match=r"snow\.npy is no readable array"):
        open_data(f"cifar_c:{cifar}")
    (cifar / "snow.npy").unlink()
    with pytest.raises(UsageError, match="snow missing"):
        open_data(f"cifar_c:{cifar}")


def test_imagenet_p_gives_the_frame_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("av")
    frames = [np.full((16, 16, 3), 20 * number, np.uint8) for number in range(5)]
    film = store("mp4(crf=0, preset=ultrafast)").encode(frames, False)
    for label in (1, 2):
        folder = tmp_path / "tilt" / f"n0000000{label}"
        folder.mkdir(parents=True)
        (folder / "x.mp4").write_bytes(film)
    data = open_data(f"imagenet_p:{tmp_path}(perturbations=tilt, frame=3)")
    assert [s.id for s in data.samples] == ["n00000001/x.mp4", "n00000002/x.mp4"]
    assert abs(grey_of(data.read(data.samples[1])) - 60) <= 3
    late = open_data(f"imagenet_p:{tmp_path}(perturbations=tilt, frame=5)")
    with pytest.raises(SampleError, match="has 5 frames"):
        late.read(late.samples[0])
    (tmp_path / "tilt/n00000001/x.mp4").write_bytes(film[:50])
    with pytest.raises(SampleError, match=r"n00000001/x\.mp4"):
        late.read(late.samples[0])
