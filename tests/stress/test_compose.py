"""Corruptions one after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engine_world import colour_net, write_pictures

import roadworthy as rw
from roadworthy.errors import UsageError
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import stress
from roadworthy.stress.corruptions.brightness import brightness
from roadworthy.stress.corruptions.contrast import contrast
from roadworthy.types import Image

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)


def made(text: str, image: Image = PICTURE, *, sample: str = "a") -> Image:
    one = stress(text)
    return corrupted(one, one.settings[0], image, sample=sample, seed=0)


def test_members_act_in_the_order_of_the_text() -> None:
    # On a frame of 40 pixels severities are those of CIFAR-C.
    there = contrast.function(brightness.function(PICTURE, 0.1), 0.15)
    back = brightness.function(contrast.function(PICTURE, 0.15), 0.1)
    assert not np.array_equal(there, back)
    assert np.array_equal(made("compose(brightness(severity=2), contrast(severity=5))"), there)
    assert np.array_equal(made("compose(contrast(factor=0.15), brightness(amount=0.1))"), back)
    assert np.array_equal(made("compose(compose(brightness(2)), contrast(5))"), there)


def test_severities_are_those_of_the_frame() -> None:
    large = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    expected = brightness.function(large, 0.2)
    assert np.array_equal(made("compose(brightness(severity=2))", large), expected)


def test_draws_are_repeated_by_sample_and_independent_between_members() -> None:
    twice = "compose(gaussian_noise(scale=0.1), gaussian_noise(scale=0.1))"
    grey = np.full((100, 100, 3), 128, np.uint8)
    assert np.array_equal(made(twice, grey), made(twice, grey))
    assert not np.array_equal(made(twice, grey), made(twice, grey, sample="b"))
    # Independent noise adds in squares: the same field twice would give 2, not 1.41, times one.
    assert made(twice, grey).std() == pytest.approx(25.5 * np.sqrt(2), rel=0.03)


def test_what_one_member_draws_changes_nothing_for_the_next() -> None:
    black = np.zeros((20, 20, 3), np.uint8)
    quiet = made("compose(grey, gaussian_noise(scale=0.3))", black)
    drawn = made("compose(patch_shuffle(grid=2), gaussian_noise(scale=0.3))", black)
    longer = made("compose(grey, gaussian_noise(scale=0.3), pixelate(fraction=1))", black)
    assert quiet.any()
    assert np.array_equal(quiet, drawn)
    assert np.array_equal(quiet, longer)


def test_the_text_records_the_order_and_every_member_alike() -> None:
    one = stress("compose(gaussian_noise(2), brightness(amount=1/10))")
    assert one.spec == "compose(gaussian_noise(severity=2), brightness(amount=0.1))"
    assert (
        stress("compose(gaussian_noise(severity=2), brightness(amount=0.1))").digest == one.digest
    )
    other = stress("compose(brightness(amount=1/10), gaussian_noise(2))")
    assert other.digest != one.digest
    assert stress(one.spec) == one


def test_a_new_version_of_a_member_is_another_composition(monkeypatch: pytest.MonkeyPatch) -> None:
    before = stress("compose(brightness(2))").digest
    monkeypatch.setitem(brightness.__dict__, "version", brightness.version + 1)
    assert stress("compose(brightness(2))").digest != before


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("compose", "needs 'members'"),
        ("compose(members=())", "needs 'members'"),
        ("compose(gaussian_noise)", r"'gaussian_noise' has 5 variants.*\(severity=1\)"),
        ("compose(gaussian_noise(scale=[0.1, 0.2]))", r"has 2 variants.*\(scale=0.1\)"),
        ("compose(grey, jpeg(quality=3))", "'jpeg' is no corruption of the frame .*BYTES"),
        ("compose(pgd(eps=1/255))", "'pgd' is no corruption of the frame"),
        ("compose(translate)", "'translate' is no corruption"),
        ("compose(clean)", "'clean' is no corruption"),
        ("compose(gausian_noise(2))", "did you mean 'gaussian_noise'"),
        ("compose(gaussian_noise(7))", "severity is 1 to 5, not 7"),
        ("compose(grey(frame=imagenet))", r"give frame and store to compose\(...\) as a whole"),
        ("compose(compose(gaussian_noise))", "has 5 variants"),
        ("compose([grey, edges])", "expected values in round brackets, each a spec"),
    ],
)
def test_what_cannot_be_composed_is_said(text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        stress(text)


def test_it_runs_like_any_corruption(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"
    text = "compose(gaussian_noise(severity=5), contrast(severity=5))"
    run = rw.evaluate(colour_net(), data, [text], out=tmp_path / "out")
    rows = run.rows()
    assert set(rows["stress"]) == {"clean", text}
    assert set(rows["status"]) == {"ok"}
    margins = dict(rows.select("stress", "margin").group_by("stress").mean().rows())
    assert margins[text] < margins["clean"]
