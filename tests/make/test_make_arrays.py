"""`make` into arrays and films: CIFAR-10-C, CIFAR-10-P and ImageNet-P."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_world import bytes_of, folder_of_images, independent_reader

from roadworthy import UsageError, make
from roadworthy import open as open_data
from roadworthy.making import chunks
from roadworthy.stores import store
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import stress


@pytest.fixture
def data(tmp_path: Path) -> str:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "cifar.npz", images=images, labels=np.arange(7) % 3)
    return f"arrays:{tmp_path / 'cifar.npz'}"


def test_arrays_hold_severity_after_severity_in_the_order_of_the_data(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_SAMPLES", 3)
    made = make(["gaussian_noise", "contrast"], data, tmp_path / "out", store="npy", seed=2)
    found = independent_reader(tmp_path / "out")
    assert (made.written, set(found)) == (2, {"gaussian_noise.npy", "contrast.npy", "labels.npy"})
    assert found["labels.npy"].tolist() == [0, 1, 2, 0, 1, 2, 0] * 5
    one = stress("gaussian_noise")
    with np.load(tmp_path / "cifar.npz") as archive:
        images = archive["images"]
    for level, setting in enumerate(one.settings):
        for row, sample in enumerate(open_data(data).samples):
            expected = corrupted(one, setting, images[row], sample=sample.id, seed=2)
            assert np.array_equal(found["gaussian_noise.npy"][level * 7 + row], expected)
    assert not (tmp_path / "out/.parts").exists()


def test_arrays_are_resumed_and_the_same_from_two_processes(data: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    make(["contrast", "brightness"], data, one, store="npy")
    make(["contrast", "brightness"], data, two, store="npy", jobs=2)
    assert bytes_of(one) == bytes_of(two)
    damaged = bytearray((one / "contrast.npy").read_bytes())
    damaged[-1] ^= 1
    (one / "contrast.npy").write_bytes(damaged)
    again = make(["contrast", "brightness"], data, one, store="npy")
    assert (again.written, again.kept) == (1, 1)
    assert bytes_of(one) == bytes_of(two)


def test_arrays_that_would_not_fit_their_labels_are_refused(data: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="as many severities"):
        make(["contrast", "brightness(severity=3)"], data, tmp_path / "out", store="npy")
    make("contrast", data, tmp_path / "out", store="npy")
    with pytest.raises(UsageError, match="samples"):
        make("contrast", data, tmp_path / "out", store="npy", limit=3)
    with pytest.raises(UsageError, match="another number of severities"):
        make("brightness(severity=3)", data, tmp_path / "out", store="npy")


def test_pictures_of_several_sizes_make_no_array(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    root = folder_of_images(tmp_path / "val")
    Pillow.new("RGB", (20, 20)).save(root / "n00000001/x.png")
    made = make("contrast", f"imagefolder:{root}", tmp_path / "out", store="npy")
    assert "give a frame" in made.failures["n00000001/x.png"]
    assert independent_reader(tmp_path / "out")["contrast.npy"].shape == (20, 40, 56, 3)


def test_sequences_become_arrays_of_films(data: str, tmp_path: Path) -> None:
    make("translate", data, tmp_path / "out", store="npy")
    film = independent_reader(tmp_path / "out")["translate.npy"]
    assert film.shape == (7, 16, 32, 32, 3)
    with np.load(tmp_path / "cifar.npz") as archive:
        images = archive["images"]
    assert np.array_equal(film[:, 7], images)
    assert np.array_equal(film[:, 9, :, 2:], images[:, :, :-2])
    assert not film[:, 9, :, :2].any()


def test_sequences_become_films(tmp_path: Path) -> None:
    pytest.importorskip("av")
    root = folder_of_images(tmp_path / "val", classes=1, each=2)
    kept_as = "mp4(crf=1, preset=ultrafast)"
    make(
        "translate(frames=5)", f"imagefolder:{root}", tmp_path / "out", store=kept_as, frame="tiny"
    )
    independent_reader(tmp_path / "out")
    films = sorted((tmp_path / "out").rglob("*.mp4"))
    assert [str(f.relative_to(tmp_path / "out")) for f in films] == [
        "translate/n00000000/00.mp4",
        "translate/n00000000/01.mp4",
    ]
    frames = np.stack(store("mp4").decode(films[0].read_bytes())).astype(int)
    assert frames.shape == (5, 64, 64, 3)
    moved, still = frames[4][:, 2:], frames[2][:, :-2]
    assert np.abs(moved - still).mean() < 4 < np.abs(frames[4] - frames[2]).mean()
