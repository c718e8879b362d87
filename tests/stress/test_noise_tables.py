"""The tables behind the fast noises hold their laws exactly: added up cell by cell, no chance in it."""

from __future__ import annotations

import numpy as np
import pytest
from plain_noise import Floats, gaussian_law, shot_law, speckle_law

from roadworthy.stress._noise import normal, shot, speckle
from roadworthy.stress._noise.channel import Channel

NOTHING = 1e-13


def law_of(channel: Channel) -> Floats:
    """Return the probability of every outcome for every level, (256, 256)."""
    assert channel.part.min() >= 0
    assert channel.part.max() <= 1  # a chance: beyond, it would be cut
    stays = (channel.whole.astype(float) + channel.part).reshape(256, 256) / 256
    found = stays.copy()
    levels = np.repeat(np.arange(256), 256)
    np.add.at(found, (levels, channel.other), 1 - stays.reshape(-1))
    return found / 256


@pytest.mark.parametrize("scale", [0.001, 0.06, 0.2, 0.35, 0.6, 5.0])
def test_speckle(scale: float) -> None:
    expected = np.stack([speckle_law(level, scale) for level in range(256)])
    np.testing.assert_allclose(law_of(speckle._channel(scale)), expected, rtol=0, atol=NOTHING)


@pytest.mark.parametrize("photons", [0.7, 3, 12, 60, 61.5, 250, 500])
def test_shot(photons: float) -> None:
    expected = np.stack([shot_law(level, photons) for level in range(256)])
    np.testing.assert_allclose(law_of(shot._channel(photons)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [0.001, 0.04, 0.18, 0.38, 3.0])
def test_normal(scale: float) -> None:
    table = normal._steps(scale)
    rest = np.diff(table.left, prepend=0)
    assert rest.sum() == pytest.approx(normal.CELLS - table.filled)
    found = (np.bincount(table.steps[: table.filled] + 255, minlength=511) + rest) / normal.CELLS
    for level in (0, 1, 100, 254, 255):
        becomes = np.clip(level + np.arange(-255, 256), 0, 255)
        law = np.bincount(becomes, found, minlength=256)
        np.testing.assert_allclose(law, gaussian_law(level, scale), rtol=0, atol=NOTHING)


def test_cells_beyond_the_filled_ones_draw_from_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    monkeypatch.setattr(normal, "random_halves", lambda *_: every)
    table = normal._steps(0.08)
    grey = np.full((256, 256, 1), 128, np.uint8)

    class Stuck(np.random.Generator):
        def random(self, *_: object) -> Floats:  # type: ignore[override]
            return np.full(65536 - table.filled, 1 - 2.0**-53)

    result = normal.AddedNormal(0.08).sampled(grey, Stuck(np.random.Philox(0)))
    count = np.bincount(result.reshape(-1), minlength=256)
    cells = np.floor(65536 * gaussian_law(128, 0.08))
    # The largest uniform number means the last step that has a rest, which is far above the range.
    cells[255] += 65536 - table.filled
    np.testing.assert_array_equal(count, cells)


def test_the_rest_is_inverted_from_its_cumulated_sum() -> None:
    table = normal._steps(0.18)
    rest = np.diff(table.left, prepend=0)
    at = int(rest.argmax())
    below = (table.left[at] - rest[at]) / table.left[-1]
    inside = np.array([below + 1e-9, table.left[at] / table.left[-1] - 1e-9])
    assert table.rest(inside).tolist() == [at - 255, at - 255]
    assert table.rest(np.array([0.0, 1 - 2.0**-53])).tolist()[1] == 255


@pytest.mark.parametrize(
    ("photons", "levels"), [(3.0, {1: 1, 85: 1, 86: 2, 171: 3}), (255.0, {1: 1, 254: 254})]
)
def test_the_fewest_photons_for_a_level(photons: float, levels: dict[int, int]) -> None:
    fewest = shot.fewest(photons)
    assert {level: int(fewest[level - 1]) for level in levels} == levels
    assert fewest[-1] == photons
