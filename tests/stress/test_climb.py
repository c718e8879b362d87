"""Steps of fixed size: exactly those of the papers, whoever else is in the batch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from attack_world import attacked, pictures
from boundary_world import SHAPE, Bare, curved, linear
from torch import Tensor

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks import climb as climbing
from roadworthy.stress._attacks.climb import climb, likely
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import stress
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import Loss, cross_entropy, margin
from roadworthy.stress.watch import NEVER, Found, Stop, Watch

GREY = torch.full((1, *SHAPE), 0.5, dtype=torch.float64)


def _tilted(*sizes: float, shift: float = 9.0) -> Bare:
    """Return two classes; the second grows along the first elements with these slopes."""
    weight = torch.zeros((2, *SHAPE), dtype=torch.float64)
    weight[1].view(-1)[: len(sizes)] = torch.tensor(sizes).double()
    return linear(weight, torch.tensor([shift, 0.0]).double())


def _label(model: Bare, x: Tensor) -> Tensor:
    return model.function(x).argmax(1)


def test_fgsm_is_one_step_to_the_edge_by_the_sign_of_the_gradient() -> None:
    model = _tilted(3.0, -0.1)
    moved = (attacked("fgsm(eps=0.125)", model, GREY, _label(model, GREY)).x - GREY).flatten()
    assert moved.tolist() == [0.125, -0.125] + [0.0] * 46
    targets = _label(model, GREY)
    back = attacked("fgsm(eps=0.125)", model, GREY, 1 - targets, targets=targets).x - GREY
    assert back.flatten()[:2].tolist() == [-0.125, 0.125]


def test_fgsm_in_l2_goes_along_the_gradient() -> None:
    model = _tilted(3.0, -4.0)
    moved = attacked("fgsm(eps=0.25, norm=L2)", model, GREY, _label(model, GREY)).x - GREY
    torch.testing.assert_close(moved.flatten()[:2], torch.tensor([0.15, -0.2]).double())


def test_elements_at_the_box_stay_there() -> None:
    x = GREY.clone()
    x.view(-1)[:2] = torch.tensor([0.95, 0.0]).double()
    model = _tilted(1.0, -1.0)
    assert attacked("fgsm(eps=0.1)", model, x, _label(model, x)).x.flatten()[:2].tolist() == [
        1.0,
        0.0,
    ]


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ("bim(eps=0.1, steps=4)", 0.025),
        ("bim(eps=0.1, steps=4, relative_step=1.5)", 0.0375),
        ("bim(eps=0.1, steps=4, step=0.01)", 0.01),
        ("mim(eps=0.1, steps=4)", 0.025),
        ("pgd(eps=0.1, steps=4, start=none)", 0.0625),
    ],
)
def test_steps_have_the_size_asked_for_and_end_at_the_edge(spec: str, size: float) -> None:
    model = _tilted(1.0)
    found = attacked(spec, model, GREY, _label(model, GREY))
    asked = [x.flatten()[0].item() - 0.5 for x in model.asked]  # the first is the clean look
    assert asked[1:] == pytest.approx([min(size * step, 0.1) for step in range(4)])
    assert found.size.item() == pytest.approx(min(4 * size, 0.1))


def test_a_random_start_is_in_the_ball_and_differs_by_image() -> None:
    model, x = _tilted(1.0), GREY.repeat(2, 1, 1, 1)
    attacked("pgd(eps=0.1, steps=1)", model, x, _label(model, x))
    start = model.asked[1] - x
    assert (start.abs() <= 0.1 + 1e-12).all()
    assert start.abs().mean() == pytest.approx(0.05, abs=0.01)
    assert not torch.equal(start[0], start[1])


def test_momentum_adds_up_gradients_of_unit_l1_norm() -> None:
    """The slopes at the two looks differ in size and sign; only the papers' sum says where to."""

    def logits(x: Tensor) -> Tensor:
        z = x.flatten(1)[:, :2]
        first = z[:, 0].detach() == 0.5
        # At the image (8, 1); after a step (-0.1, 0.3), whose L1 norm is small.
        slopes = torch.where(first[:, None], torch.tensor([8.0, 1.0]), torch.tensor([-0.1, 0.3]))
        return torch.stack([torch.zeros_like(z[:, 0]), -5 + (slopes * z).sum(1)], 1)

    zero = torch.zeros(1).long()
    for decay, expected in ((1.0, [0.04, 0.04]), (0.25, [0.0, 0.04]), (0.0, [0.0, 0.04])):
        # 8/9 - 1/4 > 0, but a quarter of 8/9 is less than 1/4
        spec = f"mim(eps=0.1, steps=2, step=0.02, decay={decay}, loss=margin)"
        moved = attacked(spec, Bare(logits), GREY, zero).x - GREY
        assert moved.flatten()[:2].tolist() == pytest.approx(expected, abs=1e-12)


def test_mim_without_decay_is_bim() -> None:
    model, x = curved(), pictures(5)
    labels = _label(model, x)
    with_, without = "mim(eps=0.1, steps=5, decay=0)", "bim(eps=0.1, steps=5)"
    one, other = (attacked(spec, model, x, labels).x for spec in (with_, without))
    assert torch.equal(one, other)
    assert not torch.equal(attacked("mim(eps=0.1, steps=5)", model, x, labels).x, other)


def test_the_loss_asked_for_is_climbed() -> None:
    model, x = curved(), pictures(5)
    found = [
        attacked(f"bim(eps=0.1, steps=5, loss={loss})", model, x, _label(model, x)).x
        for loss in ("cross_entropy", "margin", "dlr")
    ]
    assert not any(torch.equal(one, other) for one, other in pairwise(found))


def _climbed(
    x: Tensor, *, stop: Stop, steps: int = 6, start: Tensor | None = None
) -> tuple[Found, Counted]:
    model = Counted(curved())
    ball = Ball("Linf", torch.linspace(0.01, 0.15, len(x)).double())
    goal = Goal(_label(curved(), x))
    found = climb(
        model,
        x,
        goal,
        ball,
        steps=steps,
        size=ball.eps / 4,
        loss=margin,
        stop=stop,
        start=start,
        decay=0.9,
    )
    return found, model


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 10])
def test_a_queue_changes_no_bit(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    x = pictures(23, seed=4)
    start = (x + 0.01).clamp(0, 1)
    whole, model = _climbed(x, stop="success", start=start)
    monkeypatch.setattr(climbing, "AT_ONCE", at_once)
    queued, counted = _climbed(x, stop="success", start=start)
    assert torch.equal(queued.x, whole.x)
    for name in ("steps_used", "step_success"):
        assert torch.equal(getattr(queued, name), getattr(whole, name))
    assert counted.forwards.tolist() == model.forwards.tolist()
    assert counted.backwards.tolist() == model.backwards.tolist()
    assert max(len(asked) for asked in _asked(counted)) <= at_once
    # Some leave at once, some on the way and some never, or the queue has nothing to do.
    assert whole.step_success is not None
    assert {0, 1, NEVER} < set(whole.step_success.tolist())


def _asked(counted: Counted) -> list[Tensor]:
    asked: list[Tensor] = getattr(counted.model, "asked")  # noqa: B009
    return asked


def test_free_places_are_taken_before_the_batch_runs_dry(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def noting(model: Any, loss: Any, z: Tensor, goal: Any) -> Any:
        sizes.append(len(z))
        return value_and_gradient(model, loss, z, goal)

    monkeypatch.setattr(climbing, "value_and_gradient", noting)
    monkeypatch.setattr(climbing, "AT_ONCE", 8)
    _climbed(pictures(40, seed=4), stop="success", steps=6)
    # Once nobody waits any more the last ones take six steps at most; before, one place may be free.
    assert len(sizes) > 10
    assert min(sizes[:-6]) >= 7


@pytest.mark.parametrize("loss", [cross_entropy, margin])
@pytest.mark.parametrize("targeted", [False, True])
def test_whom_a_step_will_take_over_is_known_before_it(loss: Loss, targeted: bool) -> None:
    # Two classes, linear: the margin grows by the length of a step times the slope, 4 here.
    gaps = torch.tensor([0.0, 0.3, 0.45, 0.6, 30.0]).double()
    logits = torch.stack([gaps, torch.zeros(5).double()], dim=1)
    labels = torch.zeros(5).long()
    goal = Goal(labels, targets=1 - labels) if targeted else Goal(labels)
    free = logits.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(free, goal).sum(), free)
    gain = 0.1 * 4.0 * slope[:, 1]  # of the loss, for a step of 0.1
    assert likely(loss, logits, goal, gain).tolist() == [True, True, True, False, False]
    assert likely(lambda z, _: (z * 0.0).sum(1), logits, goal, gain * 0.0).all()


@pytest.mark.parametrize(
    ("waiting", "leave", "taken"), [(1, 1, 1), (2, 1, 0), (3, 3, 3), (9, 4, 4)]
)
def test_the_last_that_wait_come_as_soon_as_there_is_room_for_all(
    waiting: int, leave: int, taken: int
) -> None:
    x = pictures(16 + waiting, seed=4)
    goal = Goal(_label(curved(), x))
    watch = Watch(Counted(curved()), x, goal, None, stop="success", at_once=16)
    (z,) = watch.keep(torch.arange(16) >= leave, x[:16])
    (z,) = watch.top_up((x,), z)
    assert watch.rows.tolist() == [*range(leave, 16), *range(16, 16 + taken)]
    assert torch.equal(z, x[watch.rows])


def test_stopping_returns_the_first_that_reaches_and_never_the_last_step() -> None:
    x = pictures(12, seed=4)
    stopped, counted = _climbed(x, stop="success")
    whole, model = _climbed(x, stop="never")
    assert model.backwards.tolist() == model.forwards.tolist() == [6] * 12
    assert whole.steps_used is not None
    assert whole.step_success is not None
    assert whole.steps_used.tolist() == [6] * 12
    assert stopped.steps_used is not None
    assert stopped.step_success is not None
    assert torch.equal(stopped.step_success, whole.step_success)
    goal = Goal(_label(curved(), x))
    early = stopped.step_success != NEVER
    assert goal.reached(curved().function(stopped.x))[early].all()
    assert torch.equal(stopped.steps_used[early], stopped.step_success[early])
    assert torch.equal(stopped.x[~early], whole.x[~early])
    for used, success, forwards, backwards in zip(
        stopped.steps_used.tolist(),
        stopped.step_success.tolist(),
        counted.forwards.tolist(),
        counted.backwards.tolist(),
        strict=True,
    ):
        # A gradient for each step, the pass that ends it, and perhaps a look after the first step,
        # which saves that pass if it finds a success.
        looked = forwards - backwards
        assert looked in ((0, 1) if used else (0,))
        assert backwards == used + int(success != NEVER) - int(success == 1) * looked


def test_no_backward_pass_follows_a_success_at_the_first_step() -> None:
    model = _tilted(10.0, shift=5.1)
    found = attacked(
        "bim(eps=0.1, steps=5, step=0.05, stop=success)", model, GREY, torch.zeros(1).long()
    )
    assert found.found.step_success is not None
    assert found.found.step_success.tolist() == [1]
    # Its clean look was not counted: one gradient, one look.
    assert (found.counted.forwards.tolist(), found.counted.backwards.tolist()) == ([2], [1])
    far = _tilted(10.0, shift=9.0)
    held = attacked(
        "bim(eps=0.1, steps=5, step=0.05, stop=success)", far, GREY, torch.zeros(1).long()
    )
    # Nobody asks about an image that a step cannot take over.
    assert (held.counted.forwards.tolist(), held.counted.backwards.tolist()) == ([5], [5])


def test_a_gradient_that_is_not_finite_leaves_the_image_and_is_reported() -> None:
    class Torn(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, model: Tensor) -> Tensor:
            ctx.save_for_backward(x[:, 0, 0, 0] > 0.9)
            return x * 1.0

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Any:
            (torn,) = ctx.saved_tensors
            gradient = gradients[0].clone()
            gradient[torn, 0, 0, 0] = torch.nan
            return gradient, None

    smooth = curved()
    torn = Bare(lambda x: smooth.function(Torn.apply(x, x)))
    x = pictures(5)
    x[:, 0, 0, 0] = torch.tensor([0.1, 0.95, 0.2, 0.99, 0.3]).double()
    labels = _label(smooth, x)
    for spec in ("fgsm(eps=0.05)", "mim(eps=0.05)", "pgd(eps=0.05, start=none)"):
        found, other = attacked(spec, torn, x, labels), attacked(spec, smooth, x, labels)
        assert found.found.nan_gradient is not None
        assert found.found.nan_gradient.tolist() == [False, True, False, True, False]
        assert torch.equal(found.x[[1, 3]], x[[1, 3]])
        assert torch.equal(found.x[[0, 2, 4]], other.x[[0, 2, 4]])
        assert other.found.nan_gradient is not None
        assert not other.found.nan_gradient.any()


def test_a_cut_graph_is_an_error_and_not_a_robust_model() -> None:
    smooth = curved()
    cut = Bare(lambda x: smooth.function(x.detach()))
    x = pictures(2)
    with pytest.raises(RoadworthyError, match="does not depend on the input differentiably"):
        attacked("fgsm(eps=0.1)", cut, x, _label(smooth, x))


def test_restarts_try_again_only_what_stands_and_keep_what_comes_nearest() -> None:
    model, x = curved(), pictures(30, seed=9)
    labels = _label(model, x)
    once = attacked("pgd(eps=0.04, steps=1, step=0.02)", model, x, labels)
    often = attacked("pgd(eps=0.04, steps=1, step=0.02, restarts=6)", model, x, labels)
    assert not (once.reached & ~often.reached).any()
    assert often.reached.sum() > once.reached.sum()
    assert torch.equal(often.x[once.reached], once.x[once.reached])
    gained = [margin(model.function(t.x), Goal(labels)) for t in (often, once)]
    assert (gained[0] >= gained[1]).all()
    assert set(often.counted.backwards[once.reached.numpy()]) == {1}
    assert set(often.counted.backwards[~often.reached.numpy()]) == {6}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bim(eps=0.1, steps=0)", "bim: steps must be at least 1, not 0"),
        ("mim(eps=0.1, step=0.1, relative_step=1)", "mim: give either step .* not both"),
        ("mim(eps=0.1, decay=-1)", "mim: decay must be 0 or larger, not -1"),
        ("pgd(eps=0.1, step=-1)", "pgd: step must be a size"),
        ("pgd(eps=0.1, start=zero)", "start"),
        ("fgsm(eps=0.1, loss=hinge)", "loss"),
        ("fgsm(eps=0.1, steps=3)", "steps"),
        ("pgd(eps=0.1, restarts=0)", "restarts must be at least 1"),
    ],
)
def test_wrong_parameters_are_refused(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stress(spec)


def test_an_eps_in_255ths_is_warned_about_once(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("fgsm(eps=7)", "pgd(eps=7)", "cascade(fgsm, pgd, eps=7)"):
        stress(text)
    assert capsys.readouterr().err.count("did you mean eps=7/255?") == 1
    stress("fgsm(eps=9)")
    assert "did you mean eps=9/255?" in capsys.readouterr().err
    stress("pgd(eps=7, norm=L2)")
    assert not capsys.readouterr().err


def test_losses_are_climbed_from_the_batch_layout_that_came() -> None:
    x = pictures(4).float().contiguous(memory_format=torch.channels_last)
    model = curved(dtype=torch.float32)
    ball = Ball("Linf", torch.full((4,), 0.1))
    goal = Goal(_label(model, x))
    stops: tuple[Stop, ...] = ("never", "success")
    for stop in stops:
        found = climb(
            Counted(model),
            x,
            goal,
            ball,
            steps=2,
            size=ball.eps,
            loss=cross_entropy,
            stop=stop,
        )
        assert found.x.is_contiguous(memory_format=torch.channels_last)
        assert all(z.is_contiguous(memory_format=torch.channels_last) for z in model.asked)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 40])
@pytest.mark.parametrize("ended", [None, 20])
def test_steps_looked_at_together_say_what_each_says_by_itself(
    count: int, ended: int | None
) -> None:
    generator = torch.Generator().manual_seed(count)
    logits = torch.randn((count, 6, 3), generator=generator) + torch.tensor([2.0, 0.0, 0.0])
    logits[:, 5] = torch.tensor([9.0, 0.0, 0.0])  # never reached
    logits[:2, 4] = float("nan")
    x, goal = GREY.expand(6, -1, -1, -1), Goal(torch.zeros(6, dtype=torch.long))
    model = _tilted(1.0)
    now, later = (Watch(Counted(model), x, goal, None, stop="never") for _ in range(2))
    for step in range(count):
        taken = torch.full((len(now),), step)
        rows = now.rows
        now.see(logits[step, rows], x[rows], taken)
        later.see_later(logits[step, rows], taken)
        if step == ended:
            leaving = torch.arange(6) % 2 == 1
            for watch in (now, later):
                watch.keep(watch.end(leaving, x, 99))
    found = [watch.finish(x[watch.rows], count) for watch in (now, later)]
    assert found[0].step_success is not None
    assert found[1].step_success is not None
    assert found[0].step_success.tolist() == found[1].step_success.tolist()
    assert found[1].step_success[5] == NEVER
    if count > 1:
        assert len(set(found[1].step_success.tolist())) > 1
    assert found[0].steps_used is not None
    assert found[1].steps_used is not None
    assert found[0].steps_used.tolist() == found[1].steps_used.tolist()
