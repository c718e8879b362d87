"""All sequences: lazy, whatever the frame, never in place; what makes no sense is refused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest

from roadworthy.errors import SampleError, UsageError
from roadworthy.stress import STRESSES
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import FastDraws
from roadworthy.types import Image

SEQUENCES = [name for name in STRESSES if STRESSES.get(name).sequence]

PUBLISHED = [
    *("gaussian_noise_sequence", "shot_noise_sequence", "motion_blur_sequence"),
    *("zoom_blur_sequence", "snow_sequence", "brightness_sequence"),
    *("translate", "rotate", "tilt", "scale"),
    *("speckle_noise_sequence", "gaussian_blur_sequence", "spatter_sequence", "shear"),
]


def _frames(name: str, image: Image, **given: Any) -> Iterator[Image]:
    definition = STRESSES.get(name)
    assert definition.tables is not None
    arguments = dict(definition.tables.on((224, 224), {"difficulty": 1, **given}).arguments)
    if definition.takes_draws:
        arguments["rng"] = FastDraws(np.random.Generator(np.random.Philox(1)))
    frames: Iterator[Image] = definition.function(image, **arguments)
    return frames


def test_the_fourteen_published_sequences_are_there() -> None:
    assert set(PUBLISHED) <= set(SEQUENCES)


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (5, 8), (33, 20)])
def test_frames_of_any_shape_keep_it(name: str, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    before = image.copy()
    frames = list(_frames(name, image, frames=7))
    assert len(frames) == 7
    assert {(frame.shape, frame.dtype.str) for frame in frames} == {((*shape, 3), "|u1")}
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", SEQUENCES)
def test_frames_are_made_one_at_a_time(name: str) -> None:
    # A thousand frames of this size at once would take a gigabyte.
    image = np.full((512, 700, 3), 99, np.uint8)
    assert len(list(islice(_frames(name, image, frames=1000), 2))) == 2


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_view_gives_what_its_copy_gives(name: str) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    view = whole[3:33, 5:45, ::-1]
    frames, others = _frames(name, view, frames=4), _frames(name, view.copy(), frames=4)
    assert all(np.array_equal(a, b) for a, b in zip(frames, others, strict=True))


@pytest.mark.parametrize("name", SEQUENCES)
def test_spoiling_a_frame_spoils_no_later_one(name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    expected = list(_frames(name, image, frames=5))
    for frame, good in zip(_frames(name, image, frames=5), expected, strict=True):
        assert np.array_equal(frame, good)
        frame[:] = 7


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("frames", [-1, 0, 1, 1001])
def test_frame_counts_out_of_range_name_the_stress(name: str, frames: int) -> None:
    with pytest.raises(UsageError, match=f"^{name}: frames is 2 to 1000, not {frames}"):
        stress(f"{name}(frames={frames})")


@pytest.mark.parametrize("name", SEQUENCES)
def test_two_frames_and_every_difficulty_are_allowed(name: str) -> None:
    for difficulty in (1, 2, 3):
        assert stress(f"{name}(frames=2, difficulty={difficulty})").settings
    with pytest.raises(UsageError, match="difficulty is 1, 2 or 3"):
        stress(f"{name}(difficulty=4)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rotate(step=nan)", "expected a number"),
        ("rotate(step=181)", "rotate: step is -180 to 180"),
        ("shear(step=6)", r"end at 90 degrees; at most 80.*step of at most 5\.33"),
        ("shear(frames=201)", r"201 frames of step=1 end at 100"),
        ("tilt(step=6)", r"end at 90 degrees; at most 75.*step of at most 5$"),
        ("tilt(frames=201)", r"201 frames of step=1 end at 100"),
        ("scale(start=0)", "scale: start is 0.01 to 100"),
        ("scale(start=0.5, step=-0.05)", "end at a factor of -1; factors are 0.01 to 100"),
        ("zoom_blur_sequence(step=-0.1)", "step is 0 to 1"),
        ("brightness_sequence(step=1.5)", "step is -1 to 1"),
        ("gaussian_blur_sequence(start=-1)", "start is 0 to 100"),
        ("gaussian_blur_sequence(truncate=0)", "truncate is 1 to 10"),
        ("motion_blur_sequence(sigma=0)", "sigma is 0.001 to"),
        ("motion_blur_sequence(radius=-1)", "radius is 0 to 1000"),
        ("snow_sequence(zoom=0.5)", "zoom is 1 to"),
        ("snow_sequence(keep=1.5)", "keep is 0 to 1"),
        ("spatter_sequence(brightness=2)", "brightness is 0 to 1"),
        ("spatter_sequence(spread=-1)", "spread is 0 to 10"),
        ("spatter_sequence(reach=3)", "reach=3"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stress(text)


@pytest.mark.parametrize("name", SEQUENCES)
def test_what_is_given_wins_over_the_table(name: str) -> None:
    definition = STRESSES.get(name)
    assert definition.tables is not None
    given = stress(f"{name}(frames=5)").settings[0].arguments
    assert definition.tables.on((32, 32), given).arguments["frames"] == 5


@pytest.mark.parametrize("name", sorted(set(SEQUENCES) - {"tilt"}))
def test_a_long_strip_is_no_obstacle(name: str) -> None:
    strip = np.random.default_rng(0).integers(0, 256, (2, 33_000, 3), dtype=np.uint8)
    for image in (strip, strip.transpose(1, 0, 2)):
        assert [f.shape for f in _frames(name, image, frames=2)] == [image.shape] * 2


@pytest.mark.parametrize(
    "text",
    [
        "motion_blur_sequence(radius=1000, sigma=0.001)",
        "motion_blur_sequence(radius=1000, sigma=1e6, start=-360, step=180)",
        "snow_sequence(mean=10, spread=10, zoom=1e6)",
        "snow_sequence(threshold=0, radius=0, keep=0)",
        "spatter_sequence(mean=-10, spread=0, sigma=0)",
        "spatter_sequence(mean=10, spread=10, sigma=1000, threshold=0, brightness=1)",
        "gaussian_blur_sequence(start=100, step=1, truncate=10)",
        "gaussian_blur_sequence(start=0, step=0, truncate=1)",
        "scale(start=0.01, step=0)",
        "scale(start=100, step=-1)",
        "zoom_blur_sequence(step=1)",
        "shear(step=-26, frames=7)",
        "tilt(step=25, frames=7)",
        "rotate(step=180)",
        "shot_noise_sequence(photons=0.000001)",
        "speckle_noise_sequence(scale=1000)",
        "gaussian_noise_sequence(scale=1000)",
    ],
)
def test_the_furthest_strengths_that_are_allowed_work(text: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    one = stress(text)
    given = {**one.settings[0].arguments}
    frames = list(_frames(one.name, image, **{"frames": 4, **given}))
    assert {frame.shape for frame in frames} == {image.shape}


def test_a_frame_beyond_the_reach_of_a_tilt_is_a_failed_sample() -> None:
    with pytest.raises(SampleError, match=r"tilt: .* 32766"):
        next(_frames("tilt", np.zeros((1, 40_000, 3), np.uint8)))


def test_values_given_by_a_program_that_are_no_numbers_are_refused() -> None:
    check = STRESSES.get("rotate").check
    assert check is not None
    with pytest.raises(UsageError, match="rotate: step is -180 to 180, not nan"):
        check({"step": float("nan")})
