"""Golden vectors of the ImageNet-S notebook and impulse fingerprints of every resizer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from roadworthy.pipeline.resizers.torch import interpolate
from roadworthy.pipeline.stages import find_resizer, resizer_names

Plane = NDArray[np.float32]


def resize_plane(plane: Plane, size: tuple[int, int], name: str) -> Plane:
    """Resize one float plane with the very function that resizes images."""
    family, kernel = find_resizer(name)
    if family.name == "torch":
        result: Plane = interpolate(torch.from_numpy(plane)[None, None], size, kernel)[0, 0].numpy()
        return result
    result = family.function(plane, size, kernel)
    assert result.dtype == np.float32
    return result


GOLDEN = {
    "opencv-nearest": (255, 255, 255),
    "opencv-nearest-exact": (0, 0, 0),
    "pillow-nearest": (0, 0, 0),
    "opencv-linear": (127.5, 127.5, 127.5),
    "opencv-area": (127.5, 127.5, 127.5),
    "pillow-box": (127.5, 127.5, 127.5),
    "opencv-cubic": (103.594, 127.5, 151.406),
    "opencv-lanczos4": (81.946, 127.5, 173.054),
    "pillow-bilinear": (145.714, 127.5, 109.286),
    "pillow-hamming": (132.564, 127.5, 122.436),
    "pillow-bicubic": (146.172, 127.5, 108.828),
    "pillow-lanczos": (148.205, 127.5, 106.795),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_row(name: str) -> None:
    plane = np.tile(np.array([255, 0], np.float32), (6, 3))
    result = resize_plane(plane, (3, 3), name)
    assert np.allclose(result, GOLDEN[name], atol=1e-3)


def weights(*values: float) -> tuple[float, ...]:
    return values


CENTRE = weights(0, 0, 0, 1, 0, 0, 0, 0, 0)
FLOOR = weights(0, 0, 1, 0, 0, 0, 0, 0, 0)
BOX = weights(0, 0, 0.3333, 0.3333, 0.3333, 0, 0, 0, 0)
LINEAR = weights(0, 0, 0.125, 0.875, 0, 0, 0, 0, 0)
TRIANGLE = weights(0, 0.0732, 0.2683, 0.4146, 0.2195, 0.0244, 0, 0, 0)
CUBIC = weights(0, -0.0103, 0.1147, 0.9673, -0.0718, 0, 0, 0, 0)
KEYS = weights(-0.0319, 0.0580, 0.3123, 0.4364, 0.2473, 0.0148, -0.0319, -0.0051, 0)
HAMMING = weights(0, 0.0142, 0.2823, 0.5199, 0.1809, 0.0027, 0, 0, 0)
LANCZOS3 = weights(-0.0611, 0.0739, 0.3296, 0.4381, 0.2678, 0.0218, -0.0648, -0.0187, 0.0136)
LANCZOS4 = weights(0.0135, -0.0439, 0.1285, 0.9725, -0.0947, 0.0342, -0.0101, 0, 0)
FINGERPRINTS = {
    "pillow-nearest": CENTRE,
    "opencv-nearest-exact": CENTRE,
    "torch-nearest-exact": CENTRE,
    "opencv-nearest": FLOOR,
    "torch-nearest": FLOOR,
    "pillow-box": BOX,
    "torch-area": BOX,
    "opencv-area": weights(0, 0, 0.3333, 0.4444, 0.2222, 0, 0, 0, 0),
    "opencv-linear": LINEAR,
    "torch-bilinear": LINEAR,
    "pillow-bilinear": TRIANGLE,
    "torch-bilinear-antialias": TRIANGLE,
    "pillow-hamming": HAMMING,
    "opencv-cubic": CUBIC,
    "torch-bicubic": CUBIC,
    "pillow-bicubic": KEYS,
    "torch-bicubic-antialias": KEYS,
    "pillow-lanczos": LANCZOS3,
    "opencv-lanczos4": LANCZOS4,
}
EIGHT_BIT_ONLY = {"opencv-linear-exact"}


def test_every_resizer_has_a_fingerprint() -> None:
    assert set(resizer_names()) == set(FINGERPRINTS) | EIGHT_BIT_ONLY


@pytest.mark.parametrize("name", FINGERPRINTS)
@pytest.mark.parametrize("axis", [0, 1])
def test_impulse_fingerprint(name: str, axis: int) -> None:
    impulses = np.eye(9, dtype=np.float32)  # row i is an impulse at column i, and the reverse
    size = (4, 9) if axis == 0 else (9, 4)
    result = resize_plane(impulses, size, name)
    seen = result[1] if axis == 0 else result[:, 1]
    assert np.allclose(seen, FINGERPRINTS[name], atol=6e-5)


@pytest.mark.parametrize("name", [*FINGERPRINTS, *EIGHT_BIT_ONLY])
def test_bytes_agree_with_the_weights(name: str) -> None:
    family, kernel = find_resizer(name)
    draws = np.random.default_rng(3)
    column = draws.integers(60, 196, size=(9, 1, 3), dtype=np.uint8)  # no filter overshoots
    result = family.function(np.repeat(column, 5, axis=1), (4, 5), kernel)
    expected = np.tensordot(FINGERPRINTS.get(name, LINEAR), column[:, 0].astype(float), axes=1)
    assert result.dtype == np.uint8
    assert result.shape == (4, 5, 3)
    assert np.abs(result[1] - expected[None]).max() <= 1.0


@pytest.mark.parametrize("name", ["torch-bicubic", "torch-bicubic-antialias"])
def test_torch_rounds_and_clamps(name: str) -> None:
    family, kernel = find_resizer(name)
    edge = np.zeros((8, 8, 3), np.uint8)
    edge[:, 4:] = 255
    result = family.function(edge, (16, 16), kernel)
    floats = resize_plane(edge[:, :, 0].astype(np.float32), (16, 16), name)
    assert floats.min() < -1
    assert floats.max() > 256
    assert np.array_equal(result[:, :, 1], np.clip(np.round(floats), 0, 255))


@pytest.mark.parametrize("name", resizer_names())
def test_read_only_images_are_taken_and_left_alone(name: str) -> None:
    family, kernel = find_resizer(name)
    image = np.random.default_rng(4).integers(0, 256, size=(17, 23, 3), dtype=np.uint8)
    before = image.copy()
    image.flags.writeable = False
    result = family.function(image, (11, 40), kernel)
    assert result.shape == (11, 40, 3)
    assert np.array_equal(image, before)


def test_opencv_linear_is_area_at_exactly_half() -> None:
    image = np.random.default_rng(5).integers(0, 256, size=(16, 16, 3), dtype=np.uint8)
    linear, area = (
        find_resizer(f"opencv-{k}")[0].function(image, (8, 8), k) for k in ("linear", "area")
    )
    assert np.array_equal(linear, area)
