"""Masks that cover: a blur against its law, noise of its law, another image, and inpainting."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary_world import Bare
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.spec import parse
from roadworthy.stress.masks import one
from roadworthy.stress.masks.base import MaskContext, Shown

MEAN = torch.tensor([0.2, 0.4, 0.6])
NONE = torch.zeros(2, 24, 20, dtype=torch.bool)


def pictures(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 24, 20, generator=torch.Generator().manual_seed(count))


def shown(name: str, x: Tensor, *, samples: tuple[str, ...] = ("a", "b"), seed: int = 0) -> Shown:
    context = MaskContext(MEAN, lambda: 1.0 - x)
    model = Bare(lambda batch: batch.flatten(1)[:, :3])
    return one(parse(name)).shown(model, x, context, samples=samples, seed=seed)


def cover(name: str, x: Tensor, **settings: int) -> Tensor:
    return shown(name, x, **settings).view(NONE[: len(x)])[0]  # type: ignore[arg-type]


def test_a_blur_is_the_gaussian_of_its_spread() -> None:
    x = pictures()
    wanted = x.numpy().astype(float)
    for axis in (2, 3):
        wanted = gaussian_filter1d(wanted, 0.1 * 20, axis=axis, mode="mirror", truncate=4.0)
    np.testing.assert_allclose(cover("blur(spread=0.1)", x).numpy(), wanted, atol=1e-5)
    narrow, wide = cover("blur", x), cover("blur(spread=0.5)", x)
    assert narrow.var((2, 3)).sum() > 3 * wide.var((2, 3)).sum() > 0


def test_noise_is_uniform_and_belongs_to_the_sample() -> None:
    x = pictures()
    drawn = cover("noise", x)
    assert abs(float(drawn.mean()) - 0.5) < 0.02
    assert abs(float(drawn.var()) - 1 / 12) < 0.01
    assert torch.equal(cover("noise", x), drawn)
    assert torch.equal(cover("noise", x.flip(0), samples=("b", "a")), drawn.flip(0))  # type: ignore[arg-type]
    assert not torch.equal(cover("noise", x, seed=1), drawn)


def test_another_image_takes_the_place() -> None:
    x = pictures()
    assert torch.equal(cover("another", x), 1.0 - x)


def test_inpainting_continues_what_is_kept() -> None:
    ramp = torch.linspace(0.1, 0.9, 20).expand(1, 3, 24, 20).contiguous()
    kept = torch.ones(1, 24, 20, dtype=torch.bool)
    kept[:, 8:14, 6:12] = False
    hole = ~kept[:, None].expand_as(ramp)
    done = shown("inpaint", ramp, samples=("a",)).view(kept)[0]
    assert (done - ramp)[hole].abs().max() < 0.12
    assert (MEAN.view(1, 3, 1, 1) - ramp)[hole].abs().max() > 0.3
    other = shown("inpaint", 1.0 - ramp, samples=("a",)).view(kept)[0]
    assert (other - done)[hole].abs().max() > 0.05


def test_without_anything_kept_inpainting_has_the_mean_colour() -> None:
    assert torch.equal(cover("inpaint", pictures()), MEAN.view(1, 3, 1, 1).expand(2, 3, 24, 20))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blur(spread=0)", "blur: spread is the standard deviation"),
        ("inpaint(radius=0.5)", "inpaint: radius is how many pixels"),
        ("blurr", "did you mean 'blur'"),
    ],
)
def test_masks_that_mean_nothing_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        one(parse(text))
