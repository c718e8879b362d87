"""The noises on reference draws are the published ones; quirks, bad strengths and odd frames."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from golden_chart import chart
from plain_noise import PLAIN, Image

import roadworthy as rw
from roadworthy.stress import STRESSES
from roadworthy.stress._noise import lookup as lookup_module
from roadworthy.stress._noise.lookup import lookup
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import Draws, FastDraws, ReferenceDraws

NAMES = sorted(PLAIN)


def strength(name: str, severity: int, shape: tuple[int, ...]) -> float:
    levels = STRESSES.get(name).levels
    assert levels is not None
    (value,) = levels.strengths(severity, shape).values()
    return float(value)


def noisy(name: str, image: Image, value: float, rng: Draws) -> Image:
    return np.asarray(STRESSES.get(name).function(image, value, rng=rng))


def fast(seed: int = 0) -> FastDraws:
    return FastDraws(np.random.Generator(np.random.Philox(key=seed)))


def reference(seed: int) -> ReferenceDraws:
    return ReferenceDraws(np.random.RandomState(seed))


def random_image(*shape: int) -> Image:
    return np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("size", "severity"), [*((s, v) for s in (224, 32) for v in range(1, 6)), (64, 3), (299, 3)]
)
def test_reference_draws_give_the_specification_word_by_word(
    name: str, size: int, severity: int
) -> None:
    for image in (chart(size), random_image(size, size)):
        value = strength(name, severity, image.shape)
        expected = PLAIN[name](image, value, np.random.RandomState(severity))
        found = noisy(name, image, value, reference(severity))
        assert (expected != image).any()
        assert np.mean(np.abs(found.astype(int) - expected).max(-1) <= 1) >= 0.999


@pytest.mark.parametrize(
    ("name", "table", "first", "last"),
    [
        ("shot_noise", 224, 60, 3),
        ("shot_noise", 299, 50, 3),
        ("shot_noise", 64, 250, 15),
        ("shot_noise", 32, 500, 50),
        ("impulse_noise", 224, 0.03, 0.27),
        ("impulse_noise", 299, 0.04, 0.28),
        ("impulse_noise", 64, 0.01, 0.14),
        ("impulse_noise", 32, 0.01, 0.07),
        ("speckle_noise", 224, 0.15, 0.6),
        ("speckle_noise", 299, 0.16, 0.61),
        ("speckle_noise", 64, 0.15, 0.35),
        ("speckle_noise", 32, 0.06, 0.2),
    ],
)
def test_the_ends_of_the_tables(name: str, table: int, first: float, last: float) -> None:
    assert strength(name, 1, (table, table, 3)) == first
    assert strength(name, 5, (table, table, 3)) == last


@pytest.mark.parametrize("draws", [fast(), reference(0)], ids=["fast", "reference"])
@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "speckle_noise"])
def test_the_result_is_truncated_not_rounded(name: str, draws: Draws) -> None:
    # Weak noise leaves the mean alone, so that what is missing is what truncation takes.
    value = {"gaussian_noise": 0.02, "shot_noise": 900.0, "speckle_noise": 0.04}[name]
    grey = np.full((400, 400, 3), 128, np.uint8)
    result = noisy(name, grey, value, draws)
    error = result.std() / np.sqrt(result.size)
    assert result.mean() - 128 == pytest.approx(-0.5, abs=5 * error)


@pytest.mark.parametrize("draws", [fast(), reference(0)], ids=["fast", "reference"])
def test_impulses_hit_channels_by_themselves_and_leave_the_rest_alone(draws: Draws) -> None:
    grey = np.full((300, 300, 3), 100, np.uint8)
    result = noisy("impulse_noise", grey, 0.3, draws)
    assert set(np.unique(result)) == {0, 100, 255}
    hit = result != 100
    assert hit.all(-1).mean() == pytest.approx(0.3**3, abs=0.003)


@pytest.mark.parametrize("name", NAMES)
def test_a_result_depends_on_the_key_alone(name: str) -> None:
    image = chart(224)
    value = strength(name, 3, image.shape)
    alone = noisy(name, image, value, fast(5))
    with ThreadPoolExecutor(4) as pool:
        for other in pool.map(lambda _: noisy(name, image, value, fast(5)), range(8)):
            np.testing.assert_array_equal(other, alone)
    assert (noisy(name, image, value, fast(6)) != alone).any()
    same = fast(5)
    noisy(name, image, value, same)
    assert (noisy(name, image, value, same) != alone).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (3, 500), (7, 5)])
def test_frames_of_any_shape(name: str, shape: tuple[int, int]) -> None:
    image = random_image(*shape)
    kept = image.copy()
    value = strength(name, 5, image.shape)
    result = noisy(name, image, value, fast())
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(image, kept)
    for turned in (image[::-1], image[:, ::-1], image[..., ::-1]):
        expected = noisy(name, np.ascontiguousarray(turned), value, fast())
        np.testing.assert_array_equal(noisy(name, turned, value, fast()), expected)


@pytest.mark.parametrize("draws", [fast(), reference(0)], ids=["fast", "reference"])
@pytest.mark.parametrize("name", ["gaussian_noise", "impulse_noise", "speckle_noise"])
def test_no_strength_is_no_change(name: str, draws: Draws) -> None:
    image = random_image(40, 50)
    np.testing.assert_array_equal(noisy(name, image, 0.0, draws), image)


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("gaussian_noise(scale=-0.1)", "scale"),
        ("shot_noise(photons=0)", "photons"),
        ("shot_noise(photons=-3)", "photons"),
        ("shot_noise(photons=1e10)", "photons"),
        ("impulse_noise(amount=1.01)", "amount"),
        ("impulse_noise(amount=-0.01)", "amount"),
        ("speckle_noise(scale=-0.1)", "scale"),
        ("speckle_noise(severity=0)", "severity"),
        ("shot_noise(severity=6)", "severity"),
    ],
)
def test_senseless_strengths_are_refused(spec: str, named: str) -> None:
    with pytest.raises(rw.UsageError, match=named):
        stress(spec)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_refused(name: str) -> None:
    definition = STRESSES.get(name)
    assert definition.check is not None
    assert definition.levels is not None
    (parameter,) = definition.levels.names
    with pytest.raises(rw.UsageError, match=parameter):
        definition.check({parameter: float("nan")})
    with pytest.raises(rw.UsageError, match=parameter):
        definition.check({parameter: float("inf")})


@pytest.mark.parametrize("value", [1e9, 1e-3])
def test_shot_noise_takes_any_number_of_photons(value: float) -> None:
    result = noisy("shot_noise", chart(224), value, fast())
    if value > 1:  # so many photons that only truncation is left
        assert np.abs(result.astype(int) - chart(224)).max() <= 1
    else:
        assert set(np.unique(result)) <= {0, 255}


def test_older_opencv_gives_the_same_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    index = np.random.default_rng(0).integers(0, 65536, (50, 60), dtype=np.uint16)
    table = np.random.default_rng(1).integers(0, 256, 65536, dtype=np.uint8)
    wide = lookup(table, index)

    def old(*_: object) -> None:
        raise cv2.error("the index has 8 bits")

    monkeypatch.setattr(cv2, "LUT", old)
    lookup_module._wide.cache_clear()
    try:
        np.testing.assert_array_equal(lookup(table, index), wide)
    finally:
        lookup_module._wide.cache_clear()
    np.testing.assert_array_equal(wide, table[index])
