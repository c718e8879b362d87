"""Low pass, high pass and noise in a band, beside plain sums of waves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from roadworthy.errors import SampleError, UsageError
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import FastDraws
from roadworthy.stress.probes.band_noise import band_noise
from roadworthy.stress.probes.highpass import highpass
from roadworthy.stress.probes.lowpass import lowpass
from roadworthy.types import Image

SHAPES = [(32, 32), (33, 33), (32, 48), (47, 30), (224, 224)]


def picture(shape: tuple[int, int]) -> Image:
    """Return noise of little contrast, which no filter drives out of the range."""
    return np.random.default_rng(1).integers(96, 160, (*shape, 3), np.uint8)


def distance(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the distance of every coefficient from the centre, in cycles per shorter side."""
    height, width = shape
    v = np.array([k if 2 * k < height else k - height for k in range(height)]) / height
    u = np.array([k if 2 * k < width else k - width for k in range(width)]) / width
    return np.asarray(np.sqrt(v[:, None] ** 2 + u[None, :] ** 2) * min(shape))


def filtered(image: Image, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
    spectrum = np.fft.fft2(image.astype(float), axes=(0, 1)) * keep[..., None]
    return np.asarray(np.fft.ifft2(spectrum, axes=(0, 1)).real)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [0.0, 1.0, 5.0, 9.5, 300.0])
def test_low_and_high_pass_are_the_two_parts_of_the_spectrum(
    shape: tuple[int, int], radius: float
) -> None:
    image, inside = picture(shape), distance(shape) <= radius
    low, high = lowpass.function(image, radius), highpass.function(image, radius)
    assert np.abs(low - filtered(image, inside)).max() <= 0.5 + 1e-9
    assert np.abs(high - 127.5 - filtered(image, ~inside)).max() <= 0.5 + 1e-9
    both = low.astype(int) + high - 127.5
    assert np.abs(both - image).max() <= 1.0 + 1e-9


def test_a_wave_passes_up_to_the_radius_and_not_above() -> None:
    across = np.cos(2 * np.pi * 6 * np.arange(64) / 64)
    down = np.cos(2 * np.pi * 8 * np.arange(64) / 64)
    wave = 128 + 50 * across[None, :] * down[:, None]  # of frequency 10: 6 across and 8 down
    image = np.repeat(np.rint(wave)[..., None], 3, axis=2).astype(np.uint8)
    assert np.abs(lowpass.function(image, 10.0).astype(int) - image).max() <= 1
    assert np.ptp(lowpass.function(image, 9.9)) <= 1
    assert np.abs(highpass.function(image, 9.9).astype(int) - image).max() <= 1
    assert np.ptp(highpass.function(image, 10.0)) <= 1


def test_frequencies_count_in_the_shorter_side() -> None:
    across = np.cos(2 * np.pi * 12 * np.arange(96) / 96)  # 12 cycles in 96, so 4 in 32
    image = np.repeat(np.rint(128 + 50 * np.tile(across, (32, 1)))[..., None], 3, axis=2)
    image = image.astype(np.uint8)
    assert np.array_equal(lowpass.function(image, 4.0), image)
    assert np.ptp(lowpass.function(image, 3.9)) == 0


def test_values_out_of_range_are_clipped_and_do_not_wrap() -> None:
    edge = np.zeros((64, 64, 3), np.uint8)
    edge[:, 32:] = 255
    waves = filtered(edge, distance((64, 64)) <= 5.0)
    assert waves.min() < -10
    assert waves.max() > 265
    assert np.abs(lowpass.function(edge, 5.0) - np.clip(waves, 0, 255)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("shape", SHAPES)
def test_band_noise_has_the_energy_asked_for_and_none_outside_the_band(
    shape: tuple[int, int],
) -> None:
    grey = np.full((*shape, 3), 128, np.uint8)
    rng = FastDraws(np.random.Generator(np.random.Philox(0)))
    noise = band_noise.function(grey, 3.0, 6.0, 0.1, rng=rng).astype(float) - 128
    assert np.sqrt((noise**2).mean()) == pytest.approx(25.5, rel=0.01)
    far = distance(shape)
    power = (np.abs(np.fft.fft2(noise, axes=(0, 1))) ** 2).sum(-1)
    outside = power[(far <= 3.0) | (far > 6.0)].sum() / power.sum()
    # What is left outside is rounding to 8 bits: 1/12 of a squared level.
    assert outside < 1.2 / 12 / 25.5**2
    assert (power[(far > 3.0) & (far <= 6.0)] > 0).all()


def test_channels_of_band_noise_are_independent_and_draws_repeat() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)

    def noise(seed: int) -> Image:
        rng = FastDraws(np.random.Generator(np.random.Philox(seed)))
        return np.asarray(band_noise.function(grey, 0.0, 30.0, 0.1, rng=rng))

    assert np.array_equal(noise(1), noise(1))
    assert not np.array_equal(noise(1), noise(2))
    correlation = np.asarray(np.corrcoef(noise(1).reshape(-1, 3).T))
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() < 0.1


def test_a_band_without_a_frequency_is_said() -> None:
    rng = FastDraws(np.random.Generator(np.random.Philox(0)))
    with pytest.raises(SampleError, match="32x32 pixels has no frequency above 40 and up to 50"):
        band_noise.function(picture((32, 32)), 40.0, 50.0, 0.1, rng=rng)
    one = np.full((1, 1, 3), 7, np.uint8)
    assert lowpass.function(one, 3.0).tolist() == one.tolist()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("lowpass(radius=-1)", "lowpass: radius is 0 or larger"),
        ("highpass(radius=-1)", "highpass: radius is 0 or larger"),
        ("band_noise(low=5, high=5, rms=0.1)", "0 <= low < high"),
        ("band_noise(low=-5, high=5, rms=0.1)", "0 <= low < high"),
        ("band_noise(low=1, high=5, rms=10)", "rms is 0 to 1"),
        ("lowpass", "needs 'radius'"),
    ],
)
def test_senseless_parameters_are_refused(text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        stress(text)


def test_a_list_of_radii_makes_one_variant_each() -> None:
    assert [s.key for s in stress("lowpass(radius=[4, 8])").settings] == [
        "radius=4.0",
        "radius=8.0",
    ]
