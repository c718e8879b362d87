"""Input dropout: its mean on a linear model, what is dropped, and that it belongs to the image."""

from __future__ import annotations

import pytest
import torch
from tiny_networks import Means
from torch import Tensor, nn

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.models.dropout import InputDropout, input_dropped
from roadworthy.models.load import load
from roadworthy.models.wrap import wrap

SIDE = 16
MEAN = (0.2, 0.4, 0.6)


class Linear(nn.Module):
    """A linear function of all elements for each of three classes."""

    def __init__(self) -> None:
        super().__init__()
        drawn = torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
        self.weight = nn.Parameter(drawn)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("kchw,nchw->nk", self.weight, x)


def dropped(keep: float = 0.8, samples: int = 1) -> InputDropout:
    model = wrap(Linear(), mean=MEAN, std=(0.5, 0.5, 0.5), size=SIDE, name="linear")
    return input_dropped(model, keep, samples)


def batch(count: int = 6) -> Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


def test_the_mean_over_draws_is_the_share_of_what_is_seen() -> None:
    x, whole = batch(), dropped(1.0)
    many = dropped(0.3, 900).logits(x)
    # a dropped pixel is 0 after normalising: of a linear function the share `keep` is left
    expected = 0.3 * whole.logits(x)
    spread = dropped(0.3, 1).logits(x) - expected
    assert (many - expected).abs().max() < 0.25 * spread.abs().max()
    assert torch.equal(whole.logits(x), whole.members[0].logits(x))


def test_pixels_go_whole_and_as_often_as_said() -> None:
    seen: list[Tensor] = []

    class Watched(Linear):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return super().forward(x)

    model = wrap(Watched(), mean=MEAN, std=(0.5, 0.5, 0.5), size=SIDE, name="watched")
    seen.clear()
    input_dropped(model, 0.8, 4).logits(batch())
    gone = torch.stack(seen) == 0
    assert torch.equal(gone.any(2), gone.all(2))
    assert abs(float(gone.float().mean()) - 0.2) < 0.03
    assert not torch.equal(gone[0], gone[1])
    assert not torch.equal(gone[0, 0], gone[0, 1])


def test_an_image_gets_the_same_answer_in_any_batch_and_another_from_an_attack() -> None:
    x, model = batch(), dropped()
    alone = torch.cat([model.logits(x[i : i + 1]) for i in range(len(x))])
    torch.testing.assert_close(model.logits(x), alone, rtol=1e-5, atol=1e-5)
    assert torch.equal(model.logits(x), model.logits(x))
    attacker = Counted(model)
    assert not torch.allclose(attacker.logits(x), model.logits(x), atol=0.1)


def test_gradients_reach_the_pixels_that_are_seen() -> None:
    x = batch(1).requires_grad_()
    (gradient,) = torch.autograd.grad(dropped(0.5).logits(x)[:, 0].sum(), x)
    share = float((gradient != 0).float().mean())
    assert abs(share - 0.5) < 0.12


def test_another_frame_is_resized_before_pixels_go() -> None:
    larger = torch.nn.functional.interpolate(batch(2), size=(40, 40))
    assert dropped().logits(larger).shape == (2, 3)


@pytest.mark.demo
def test_as_a_spec_it_is_named() -> None:
    model = load("input_dropout(demo/efficientnet_lite0, keep=0.9, samples=2)")
    assert repr(model) == "input_dropout(demo/efficientnet_lite0, keep=0.9, samples=2)"
    other = load("input_dropout(demo/efficientnet_lite0, keep=0.9, samples=3)")
    assert model.id != other.id


@pytest.mark.parametrize(
    ("keep", "samples", "message"),
    [(0.0, 1, "keep is the probability"), (1.2, 1, "keep is"), (0.5, 0, "samples is how many")],
)
def test_what_means_nothing_is_refused(keep: float, samples: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        input_dropped(wrap(Means(), size=SIDE, name="means"), keep, samples)
