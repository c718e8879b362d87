"""keep: which pixels stay, how many, and that the others are gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import UsageError
from roadworthy.seed import rng_for
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import FastDraws
from roadworthy.stress.probes.keep import IMAGENET_MEAN, keep
from roadworthy.types import Image

REGIONS = ("border", "centre", "random", "edges")


def picture(height: int = 24, width: int = 20, seed: int = 0) -> Image:
    # no pixel has the colour that stands for nothing
    return np.random.default_rng(seed).integers(130, 256, (height, width, 3), np.uint8)


def kept(image: Image, region: str, fraction: float, **settings: Any) -> Any:
    draws = FastDraws(rng_for(0, "keep", 1, "a", "x"))
    done = keep.function(image, region, fraction=fraction, rng=draws, **settings)
    there = (done == image).all(2)
    assert (done[~there] == settings.get("fill", IMAGENET_MEAN)).all()
    return there


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from(REGIONS),
    st.floats(0.001, 1.0),
)
def test_as_many_pixels_stay_as_asked_for(
    height: int, width: int, region: str, fraction: float
) -> None:
    there = kept(picture(height, width), region, fraction)
    assert there.sum() - 1 < fraction * height * width <= there.sum() + 1e-3


def test_a_border_is_a_ring_and_the_centre_is_what_it_encloses() -> None:
    image = picture(20, 20)
    ring = np.ones((20, 20), bool)
    ring[3:17, 3:17] = False
    share = ring.mean()
    assert np.array_equal(kept(image, "border", share), ring)
    assert np.array_equal(kept(image, "centre", 1 - share), ~ring)
    assert np.array_equal(kept(image, "border", 0.3) & kept(image, "border", 0.4),
                          kept(image, "border", 0.3))  # fmt: skip


def test_edges_are_where_brightness_changes() -> None:
    image = np.full((20, 20, 3), 140, np.uint8)
    image[:, 10:] = 250
    there = kept(image, "edges", 0.1)
    assert there.sum() == 40
    assert there[:, 9:11].all()


def test_random_pixels_are_spread_and_drawn_for_each_image() -> None:
    image, there = picture(60, 60), kept(picture(60, 60), "random", 0.25)
    assert abs(there[:30].mean() - 0.25) < 0.04
    other = keep.function(
        image, "random", fraction=0.25, rng=FastDraws(rng_for(0, "k", 1, "b", "x"))
    )
    assert not np.array_equal((other == image).all(2), there)


def test_another_colour_stands_for_nothing() -> None:
    kept(picture(), "centre", 0.5, fill=(0, 0, 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keep(region=border, fraction=0)", "fraction is the share of the pixels"),
        ("keep(region=border, fraction=1.5)", "fraction is the share of the pixels"),
        ("keep(region=boarder, fraction=0.1)", "border"),
        ("keep(region=edges, fraction=0.1, fill=(0, 0, 300))", "three levels"),
    ],
)
def test_what_means_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stress(text)


def test_fractions_are_variants() -> None:
    assert [s.key for s in stress("keep(region=border, fraction=[0.05, 0.1])").settings] == [
        "fraction=0.05",
        "fraction=0.1",
    ]
