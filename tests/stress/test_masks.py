"""Masks: what covers removed pixels, what a model is shown, and how removing one changes it."""

from __future__ import annotations

import pytest
import torch
from boundary_world import Bare
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.spec import parse
from roadworthy.stress.masks import MASKS, Mask, one, resolved
from roadworthy.stress.masks.base import MaskContext, MaskDefinition, Shown, mask
from roadworthy.types import Need

SHAPE = (3, 4, 5)
MEAN = torch.tensor([0.2, 0.4, 0.6])


def pictures(count: int = 3) -> Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(3))


def weights() -> Tensor:
    return torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(4))


def bare() -> Bare:
    fixed = weights()
    return Bare(lambda x: torch.tanh(torch.einsum("kchw,nchw->nk", fixed.to(x), x)))


def context(count: int = 3) -> MaskContext:
    return MaskContext(MEAN, lambda: pictures(count).roll(1, 0))


def shown(name: str, x: Tensor, *, samples: tuple[str, ...] = ("a", "b", "c")) -> Shown:
    model = bare()
    return one(parse(name)).shown(model, x, context(len(x)), samples=samples[: len(x)])


def first(logits: Tensor, classes: Tensor) -> Tensor:
    return logits.gather(1, classes[:, None]).squeeze(1)


@pytest.mark.parametrize("name", sorted(MASKS))
def test_what_is_kept_stays_as_it_is_and_what_goes_changes(name: str) -> None:
    definition, x = MASKS.get(name), pictures()
    if definition.drops:
        pytest.skip("changes the model, not the picture")
    kept = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(1)) > 0.5
    images, _ = shown(name, x).view(kept)
    where = kept[:, None].expand_as(x)
    assert images.dtype == x.dtype
    assert torch.equal(images[where], x[where])
    assert (images[~where] != x[~where]).float().mean() > 0.8
    assert ((images >= 0) & (images <= 1)).all()
    every = torch.ones(3, 4, 5, dtype=torch.bool)
    assert torch.equal(shown(name, x).view(every)[0], x)


@pytest.mark.parametrize("name", sorted(MASKS))
def test_no_cover_depends_on_the_batch(name: str) -> None:
    if MASKS.get(name).drops:
        pytest.skip("changes the model, not the picture")
    x, kept = pictures(), torch.zeros(3, 4, 5, dtype=torch.bool)
    kept[:, 1:3] = True
    whole = shown(name, x)
    rows = torch.tensor([2, 0, 2])
    assert torch.equal(whole.at(rows).view(kept[rows])[0], whole.view(kept)[0][rows])
    torch.testing.assert_close(whole.at(rows).logits(kept[rows]), whole.logits(kept)[rows])


def test_mean_is_the_colour_of_the_normalisation_and_zero_is_black() -> None:
    x, nothing = pictures(), torch.zeros(3, 4, 5, dtype=torch.bool)
    assert torch.equal(shown("mean", x).view(nothing)[0], MEAN.view(1, 3, 1, 1).expand(3, *SHAPE))
    assert not shown("zero", x).view(nothing)[0].any()


@pytest.mark.parametrize("name", ["mean", "zero"])
def test_effects_are_the_slope_towards_the_cover(name: str) -> None:
    x, classes = pictures().double(), torch.tensor([1, 3, 0])
    kept = torch.ones(3, 4, 5, dtype=torch.bool)
    kept[:, 0] = False
    one_mask = one(parse(name))
    held = one_mask.shown(bare(), x, context(), samples=("a", "b", "c"))
    logits, effects = held.effects(kept, first, classes)
    assert torch.equal(logits, held.logits(kept))
    images, model = held.view(kept)
    cover = held.view(torch.zeros_like(kept))[0]
    for pixel in ((1, 0), (3, 4), (2, 2)):
        nudged, step = images.clone(), 1e-6
        at = (slice(None), slice(None), *pixel)
        nudged[at] += step * (cover[at] - x[at])
        with torch.no_grad():
            slope = (first(model.logits(nudged), classes) - first(logits, classes)) / step
        torch.testing.assert_close(effects[:, *pixel], slope, rtol=1e-4, atol=1e-7)


def test_masks_are_resolved_once_each_and_misspelt_ones_are_named() -> None:
    found = resolved((parse("mean"), parse("zero"), parse("mean()")))
    assert [str(mask.spec) for mask in found] == ["mean", "zero"]
    assert found[0].digest != found[1].digest
    with pytest.raises(UsageError, match=r"'meen'.*mean"):
        one(parse("meen"))
    with pytest.raises(UsageError, match="no path"):
        one(parse("mean:file"))


def asked(definition: MaskDefinition) -> Mask:
    return Mask(definition, parse(definition.name), "digest", {})


def test_a_filling_is_asked_again_whenever_pixels_go() -> None:
    seen = []

    @mask()
    def neighbour(x: Tensor, *, kept: Tensor) -> Tensor:
        seen.append(int(kept.sum()))
        return (x * kept[:, None]).amax((2, 3), keepdim=True).expand_as(x)

    held = asked(neighbour).shown(bare(), pictures(), context(), samples=("a", "b", "c"))
    kept = torch.ones(3, 4, 5, dtype=torch.bool)
    kept[:, 0, 0] = False
    held.logits(kept)
    held.at(torch.tensor([1])).view(kept[1:2] & False)
    assert seen == [57, 0]
    assert Need.GRADIENT in bare().gives


def test_a_cover_of_another_shape_is_refused() -> None:
    @mask()
    def smaller(x: Tensor) -> Tensor:
        return x[..., 1:]

    with pytest.raises(ValueError, match="like its input"):
        asked(smaller).shown(bare(), pictures(), context(), samples=("a", "b", "c"))
