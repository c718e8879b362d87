"""NES, SPSA, N-attack and SimBA where every answer is known, and what they may ask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from attack_world import Tried, attacked, pictures
from boundary_world import SHAPE, Bare, curved, draws, linear
from scipy.fft import dct
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks import queries as budget
from roadworthy.stress._attacks.basis import Basis, basis_of, cosines, shuffled
from roadworthy.stress._attacks.differences import estimated
from roadworthy.stress._attacks.halving import Halving
from roadworthy.stress._attacks.queries import Clock
from roadworthy.stress.attacks.spsa import signs
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.stress.watch import Watch

SIZE = math.prod(SHAPE)
ESTIMATING = ("nes(samples=16, {})", "spsa(samples=16, {})")
SIMBA = ("simba(step=0.1, {})", "simba(step=0.1, basis=dct, frequencies=1, {})")
NATTACK = "n_attack(samples=16, step=0.3, {})"
ALL = (*ESTIMATING, *SIMBA, NATTACK)
WEIGHT = torch.randn((3, *SHAPE), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
SLOPE = WEIGHT[1] - WEIGHT[0]
"""The gradient of the margin while class 1 is the best of the others."""


def straight(gap: float = 100.0) -> Bare:
    """Return a linear model that says 0, then 1 ``gap`` below where all elements are 0.5."""
    centre = torch.full((1, *SHAPE), 0.5, dtype=torch.float64)
    flat = (centre * WEIGHT).sum((1, 2, 3))
    return linear(WEIGHT, torch.tensor([0.0, -gap, -1e4], dtype=torch.float64) - flat)


def grey(count: int) -> Tensor:
    return torch.full((count, *SHAPE), 0.5, dtype=torch.float64)


def run(spec: str, model: Bare, x: Tensor, **given: Any) -> Tried:
    """Attack what ``model`` says now."""
    return attacked(spec, model, x, model.function(x).argmax(1), **given)


@pytest.mark.parametrize(("drawn", "extra"), [(BatchDraws.singles, 1), (signs, -1)])
@pytest.mark.parametrize("pairs", [12, 48, 200])
def test_the_estimate_nears_the_gradient_as_fast_as_its_law_says(
    drawn: Any, extra: int, pairs: int
) -> None:
    count, x = 240, grey(240)
    model, goal = straight(), Goal(torch.zeros(count, dtype=torch.long))
    counted = Counted(model).at(torch.arange(count), images=count)
    watch = Watch(counted, x, goal, None, stop="never", rng=draws(count))
    found, _ = estimated(watch, x, drawn, pairs=pairs, spread=1e-3, loss=margin)
    inner, length = (found * SLOPE).sum((1, 2, 3)), SLOPE.norm()
    # the mean of u <u, w>: unbiased, of square length |w|^2 (1 + (size +- 1) / pairs)
    spread = 4 * math.sqrt(2 / pairs / count)
    assert float(inner.mean() / length**2) == pytest.approx(1.0, abs=spread)
    squares = (found**2).sum((1, 2, 3)).mean() / length**2
    assert float(squares) == pytest.approx(1 + (SIZE + extra) / pairs, rel=0.1)
    cosine = (inner / length / found.flatten(1).norm(dim=1)).mean()
    assert float(cosine) == pytest.approx((1 + (SIZE + extra) / pairs) ** -0.5, abs=0.03)
    assert (counted.forwards == 2 * pairs).all()


def test_an_estimate_takes_its_draws_one_by_one_however_many_go_into_a_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, sizes = [], []
    for together in (1, 64, 1000):
        monkeypatch.setitem(budget.TOGETHER, "cpu", together)
        model = curved()
        found.append(run(ESTIMATING[0].format("eps=0.1, queries=50"), model, pictures(5)).x)
        sizes.append(max(len(asked) for asked in model.asked))
    assert sizes == [5, 60, 80]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("spec", ALL)
@pytest.mark.parametrize("queries", [1, 2, 3, 16, 17, 18, 19, 40])
def test_every_image_is_asked_about_exactly_as_often_as_allowed(spec: str, queries: int) -> None:
    asked = f"eps=0.05, queries={queries}, stop=never"
    found = run(spec.format(asked), curved(), pictures(4))
    assert found.counted.forwards.tolist() == [queries] * 4
    assert found.counted.backwards.tolist() == [0] * 4
    assert found.found.steps_used is not None
    assert found.found.steps_used.tolist() == [queries] * 4


@pytest.mark.parametrize("spec", ALL)
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_images_leave_with_the_query_that_reached_the_goal(spec: str, norm: str) -> None:
    eps = {"Linf": 0.05, "L2": 0.25}[norm]
    model, x = curved(), pictures(12)
    found = run(spec.format(f"eps={eps}, norm={norm}, queries=120"), model, x)
    used, first = found.found.steps_used, found.found.step_success
    assert used is not None
    assert first is not None
    assert found.counted.forwards.tolist() == used.tolist()
    reached = found.reached
    assert 2 <= int(reached.sum()) < 12
    assert torch.equal(first, torch.where(reached, used, -1))
    assert used[~reached].tolist() == [120] * int((~reached).sum())
    never = run(spec.format(f"eps={eps}, norm={norm}, queries=120, stop=never"), model, x)
    assert torch.equal(never.found.step_success, first)  # type: ignore[arg-type]
    assert never.counted.forwards.tolist() == [120] * 12
    if spec in SIMBA:  # a query less, and it would not have been reached
        assert torch.equal(never.reached, reached)
        one = int(first[reached].max())
        less = run(spec.format(f"eps={eps}, norm={norm}, queries={one - 1}"), model, x)
        assert int(less.reached.sum()) == int((reached & (first < one)).sum())


@pytest.mark.parametrize("spec", ALL)
def test_a_target_is_reached_and_asked_points_are_images(spec: str) -> None:
    model, x = curved(), pictures(12)
    labels = model.function(x).argmax(1)
    targets = (labels + 1) % 5
    few, many = (
        attacked(spec.format(f"eps=0.3, queries={q}"), model, x, labels, targets=targets)
        for q in (1, 300)
    )
    assert int(many.reached.sum()) >= 4 > int(few.reached.sum())
    assert (model.function(many.x).argmax(1) == targets).tolist() == many.reached.tolist()
    points = torch.cat(model.asked)
    assert float(points.min()) >= 0
    assert float(points.max()) <= 1


@pytest.mark.parametrize("spec", ALL)
@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.06), ("L2", 0.35)])
def test_it_breaks_more_than_as_many_random_points(spec: str, norm: Any, eps: float) -> None:
    model, x = curved(), pictures(40, seed=5)
    found = run(spec.format(f"eps={eps}, norm={norm}, queries=120"), model, x)
    ball, rng = Ball(norm, torch.full((40,), eps, dtype=torch.float64)), draws(40)
    noise = torch.zeros(40, dtype=torch.bool)
    for _ in range(120):
        noise |= found.goal.reached(model.function(ball.random_start(x, rng)))
    assert int(found.reached.sum()) > int(noise.sum()) + 2


@pytest.mark.parametrize(("name", "part"), [("nes", 0.15), ("spsa", 0.3)])
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_the_first_step_has_the_size_that_is_asked_for(name: str, part: float, norm: str) -> None:
    for given, size in (("", part * 0.3), (", step=0.07", 0.07)):
        spec = f"{name}(eps=0.3, norm={norm}, samples=16, queries=17{given})"
        found = run(spec, straight(), grey(4))
        assert found.size.tolist() == pytest.approx([size] * 4, rel=1e-6)


@pytest.mark.parametrize("spec", ESTIMATING)
def test_a_loss_without_an_answer_moves_nothing(spec: str) -> None:
    model = Bare(lambda x: (x * torch.nan).sum((2, 3)))
    x = pictures(3)
    labels = torch.zeros(3, dtype=torch.long)
    found = attacked(spec.format("eps=0.1, queries=40"), model, x, labels)
    assert torch.equal(found.x, x)
    assert found.counted.forwards.tolist() == [40] * 3


def test_a_draw_without_an_answer_says_nothing_and_the_others_go_on() -> None:
    model = straight()

    def holes(x: Tensor) -> Tensor:
        return torch.where(x[:, 0, 0, :1] > 0.5 + 1e-3, torch.nan, model.function(x))

    x, labels = grey(4), torch.zeros(4, dtype=torch.long)
    found = attacked("nes(eps=0.3, norm=L2, samples=64, queries=65)", Bare(holes), x, labels)
    assert found.size.tolist() == pytest.approx([0.045] * 4)
    rise = (SLOPE * (found.x - x)).sum((1, 2, 3)) / SLOPE.norm() / 0.045
    assert (rise > 0.3).all()


@pytest.mark.parametrize("name", ["pixel", "dct"])
def test_simba_takes_what_each_direction_gives(name: Any) -> None:
    # On a slope one of the two ways always pays: the first costs one query, the second two.
    directions = basis_of(name, grey(1), frequencies=1)
    units = _all(directions)
    gains = (units * SLOPE).sum((1, 2, 3))
    step = 0.004
    cost = 1 + int((gains < 0).sum()) + 2 * int((gains > 0).sum())
    spec = f"simba(eps=1, norm=L2, step={step}, basis={name}, frequencies=1, queries={{}})"
    found = run(spec.format(cost), straight(5.0), grey(3))
    expected = (step * gains.sign()[:, None, None, None] * units).sum(0)
    torch.testing.assert_close(found.x - 0.5, expected.expand(3, *SHAPE))
    rise = (WEIGHT[1] - WEIGHT[0]).mul(found.x - 0.5).sum((1, 2, 3))
    torch.testing.assert_close(rise, (step * gains.abs().sum()).expand(3))
    # the last direction of an image is left out with its last query
    short = run(spec.format(cost - 1), straight(5.0), grey(3))
    left = (short.x - found.x).flatten(1).norm(dim=1)
    torch.testing.assert_close(left, torch.full_like(left, step))
    # all directions come before any comes again
    again = run(spec.format(2 * cost - 1), straight(5.0), grey(3))
    torch.testing.assert_close(again.x - 0.5, 2 * expected.expand(3, *SHAPE))


@pytest.mark.parametrize("seed", range(4))
def test_simba_takes_the_goal_at_any_price_and_does_not_leave_it_again(seed: int) -> None:
    # by whether the first and the second element are darker; the label is 0
    said = torch.tensor(
        [[[0.464, 0.3, 0.236], [0.6, 0.2, 0.2]], [[0.47, 0.52, 0.01], [0.4, 0.35, 0.25]]],
        dtype=torch.float64,
    )

    def model(x: Tensor) -> Tensor:
        dark = (x.flatten(1) < 0.45).long()
        return said[dark[:, 0], dark[:, 1]].log()

    x = torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64)
    spec = "simba(eps=5, norm=L2, step=0.1, queries=14, stop=never)"
    found = attacked(spec, Bare(model), x, torch.zeros(1).long(), names=[str(seed)])
    # at the goal the label is likelier than before; darker still it would be the least likely so far
    assert found.x.flatten().tolist() == pytest.approx([0.4, 0.5])
    assert found.reached.all()


def _all(directions: Basis) -> Tensor:
    count = len(directions)
    zero = torch.zeros((count, *SHAPE), dtype=torch.float64)
    return directions.moved(zero, torch.arange(count), torch.ones(count, dtype=torch.float64))


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 5, 3)])
def test_directions_are_orthonormal_and_in_one_channel_each(shape: tuple[int, ...]) -> None:
    like = torch.zeros((1, *shape), dtype=torch.float64)
    for name, part in (("pixel", 1.0), ("dct", 1.0), ("dct", 0.5)):
        directions = basis_of(name, like, frequencies=part)  # type: ignore[arg-type]
        count = len(directions)
        zero = torch.zeros((count, *shape), dtype=torch.float64)
        ones = torch.ones(count, dtype=torch.float64)
        units = directions.moved(zero, torch.arange(count), ones)
        gram = units.flatten(1) @ units.flatten(1).T
        torch.testing.assert_close(gram, torch.eye(count, dtype=torch.float64))
        assert (units.abs().amax((2, 3)) > 0).sum(1).tolist() == [1] * count
        kept = [max(1, round(part * side)) for side in shape[1:]]
        assert count == shape[0] * math.prod(kept)
        if name == "pixel":
            assert torch.equal(units.flatten(1), torch.eye(count, dtype=torch.float64))


def test_cosines_are_those_of_the_discrete_cosine_transform() -> None:
    expected = dct(np.eye(9), type=2, norm="ortho", axis=0)[:4]
    np.testing.assert_allclose(cosines(9, 4).numpy(), expected, atol=1e-12)


def test_every_image_shuffles_for_itself_and_anew_in_every_round() -> None:
    table = shuffled(draws(3), 10, 25).numpy()
    for row in table:
        assert sorted(row[:10]) == sorted(row[10:20]) == list(range(10))
        assert row[:10].tolist() != row[10:20].tolist()
        assert len(set(row[20:].tolist())) == 5
    assert table[0].tolist() != table[1].tolist()
    np.testing.assert_array_equal(shuffled(draws(3), 10, 7).numpy(), table[:, :7])


def test_steps_are_halved_where_the_loss_no_longer_rises() -> None:
    like, sizes = grey(2), torch.tensor([1.0, 2.0], dtype=torch.float64)
    steps = Halving(like, sizes, smallest=0.3, patience=2, momentum=0.0)
    seen: list[list[float]] = []
    for value in (1.0, 1.0, 0.5, 2.0, 2.0, 2.0, 1.0, 1.0):
        steps.saw(torch.tensor([value, float(len(seen))], dtype=torch.float64))
        seen.append(steps.size.tolist())
    # the second image rises all the time
    assert [pair[0] for pair in seen] == [1.0, 1.0, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3]
    assert {pair[1] for pair in seen} == {2.0}
    steps.keep(torch.tensor([False, True]))
    assert steps.size.tolist() == [2.0]
    patient = Halving(like, sizes, smallest=0.3, patience=0, momentum=0.0)
    for _ in range(9):
        patient.saw(torch.zeros(2, dtype=torch.float64))
    assert torch.equal(patient.size, sizes)


def test_momentum_remembers_the_estimates_before() -> None:
    x, ball = grey(1), Ball("L2", torch.ones(1, dtype=torch.float64))
    watch = Watch(Counted(straight()), x, Goal(torch.zeros(1).long()), ball, stop="never")
    one, two = torch.zeros_like(x), torch.zeros_like(x)
    one[0, 0, 0, 0], two[0, 1, 1, 1] = 3.0, 4.0
    size = torch.tensor([0.5], dtype=torch.float64)
    steps = Halving(x, size, smallest=0.1, patience=0, momentum=0.75)
    first, second = steps.step(watch, x, one), steps.step(watch, x, two)
    assert float(first[0, 0, 0, 0]) == pytest.approx(0.5)
    ratio = 0.75 * 3 / 4  # 0.75 of a quarter of 3, then a quarter of 4
    assert float(second[0, 0, 0, 0] / second[0, 1, 1, 1]) == pytest.approx(ratio)
    assert float(second.norm()) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("spec", "first"),
    [(ESTIMATING[0], 17), (ESTIMATING[1], 17), (SIMBA[0], 1), (NATTACK, 17), ("square({})", 1)],
)
def test_time_that_is_over_ends_the_attack_after_a_point_it_knows(spec: str, first: int) -> None:
    found = run(spec.format("eps=0.02, queries=90, seconds=1e-9"), curved(), pictures(3))
    assert found.counted.forwards.tolist() == [first] * 3
    assert found.found.steps_used.tolist() == [first] * 3  # type: ignore[union-attr]
    plenty = run(spec.format("eps=0.02, queries=90, seconds=600"), curved(), pictures(3))
    whole = run(spec.format("eps=0.02, queries=90"), curved(), pictures(3))
    assert torch.equal(plenty.x, whole.x)


@pytest.mark.parametrize("spec", [*ESTIMATING, NATTACK])
def test_an_estimate_makes_do_with_the_calls_that_there_was_time_for(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(budget.TOGETHER, "cpu", 12)  # four questions about each of three images
    model = curved()
    found = run(spec.format("eps=0.02, queries=90, seconds=1e-9"), model, pictures(3))
    assert found.counted.forwards.tolist() == [5] * 3
    assert found.found.steps_used.tolist() == [5] * 3  # type: ignore[union-attr]
    assert [len(asked) for asked in model.asked[-2:]] == [12, 3]


def test_what_an_estimate_had_no_time_for_does_not_shorten_it() -> None:
    class After(Clock):
        """Over as soon as it is asked about."""

        over = True

    x = grey(50)
    model, goal = straight(), Goal(torch.zeros(50, dtype=torch.long))
    counted = Counted(model).at(torch.arange(50), images=50)
    ends = []
    for pairs, clock in ((1, Clock(None)), (40, After(None))):
        watch = Watch(counted, x, goal, None, stop="never", rng=draws(50))
        ends.append(
            estimated(
                watch, x, BatchDraws.singles, pairs=pairs, spread=1e-3, loss=margin, clock=clock
            )
        )
    assert [done for _, done in ends] == [1, 1]
    torch.testing.assert_close(ends[0][0], ends[1][0], rtol=1e-12, atol=0)


@pytest.mark.parametrize("spec", [*ALL, "square({})"])
def test_restarts_count_their_queries_on(spec: str) -> None:
    model, x, eps = curved(), pictures(24), 0.03 if "square" in spec else 0.07
    once, often = (
        run(spec.format(f"eps={eps}, queries=36, restarts={n}"), model, x) for n in (1, 3)
    )
    used, first = often.found.steps_used, often.found.step_success
    assert used is not None
    assert first is not None
    later = often.reached & ~once.reached
    assert later.any()
    assert torch.equal(used[once.reached], once.found.steps_used[once.reached])  # type: ignore[index]
    assert (first[later] > 36).all()
    assert torch.equal(first[later], used[later])
    assert used[~often.reached].tolist() == [108] * int((~often.reached).sum())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nes(eps=0.1, queries=0)", "nes: queries must be at least 1, not 0"),
        ("spsa(eps=0.1, queries=-3)", "spsa: queries must be at least 1, not -3"),
        ("simba(eps=0.1, queries=0)", "simba: queries must be at least 1, not 0"),
        ("nes(eps=0.1, samples=7)", "an even number, at least 2, not 7"),
        ("spsa(eps=0.1, samples=0)", "an even number, at least 2, not 0"),
        ("nes(eps=0.1, spread=0)", "spread must be a size above 0"),
        ("spsa(eps=0.1, step=-1)", "step must be a size above 0"),
        ("simba(eps=0.1, step=0)", "step must be a size above 0"),
        ("nes(eps=0.1, momentum=1)", "momentum is 0 or more and below 1"),
        ("nes(eps=0.1, patience=-1)", "patience is a number of steps"),
        ("nes(eps=0.1, smallest=0)", "smallest must be a size above 0"),
        ("simba(eps=0.1, frequencies=0)", "frequencies is the part"),
        ("simba(eps=0.1, basis=wavelet)", "basis"),
        ("square(eps=0.1, seconds=-1)", "seconds is the time for a batch, more than 0"),
        ("simba(eps=0.1, seconds=0)", "seconds is the time for a batch, more than 0"),
        ("spsa(eps=0.1, norm=L1)", "norm"),
        ("n_attack(eps=0.1, queries=0)", "n_attack: queries must be at least 1, not 0"),
        ("n_attack(eps=0.1, samples=1)", "compared with each other: at least 2, not 1"),
        ("n_attack(eps=0.1, spread=0)", "spread must be a size above 0"),
        ("n_attack(eps=0.1, step=0)", "step must be a size above 0"),
        ("n_attack(eps=0.1, start=-1)", "start is a deviation, 0 or more"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        stress(text)
