"""The frame at another size and back."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from roadworthy.errors import UsageError
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import stress

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


@pytest.mark.parametrize("side", [24, 28, 40, 48])
@pytest.mark.parametrize("name", FILTERS)
def test_it_is_two_resizes_with_8_bits_in_between(side: int, name: str) -> None:
    one = stress(f"resample(side={side}, resize=pillow-{name})")
    found = corrupted(one, one.settings[0], PICTURE, sample="a", seed=0)
    there = Image.fromarray(PICTURE).resize((side, side), FILTERS[name])
    np.testing.assert_array_equal(found, np.asarray(there.resize((32, 32), FILTERS[name])))


def test_its_own_size_changes_nothing_and_frames_keep_their_shape() -> None:
    one = stress("resample(side=32)")
    assert np.array_equal(corrupted(one, one.settings[0], PICTURE, sample="a", seed=0), PICTURE)
    oblong = PICTURE[:20]
    small = stress("resample(side=8, resize=opencv-area)")
    assert corrupted(small, small.settings[0], oblong, sample="a", seed=0).shape == (20, 32, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resample(side=0)", "side is 1 to 16384 pixels, not 0"),
        ("resample(side=24, resize=pillow-bilinea)", "did you mean 'pillow-bilinear'"),
        ("resample()", "needs 'side'"),
    ],
)
def test_other_sizes_and_filters_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stress(text)


def test_cifar_s_has_twelve_variants_on_untouched_frames() -> None:
    from roadworthy.suites import resolve

    (one,), (suite,) = resolve(["cifar_s"])
    assert one.frame == "untouched"
    pairs = {(s.arguments["side"], s.arguments["resize"]) for s in one.settings}
    assert pairs == {(s, f"pillow-{f}") for s in (24, 28, 40, 48) for f in FILTERS}
    assert len(one.settings) == 12
    assert (suite.kind, suite.headline) == ("systematic", "pipeline_mean")
