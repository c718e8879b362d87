"""Orders read in every way, and what surrounds them: sizes, regions, agreement, deletion, collections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.stats import spearmanr
from subset_world import EXACT, Plain, everything, flat

from roadworthy.errors import UsageError
from roadworthy.stress._subsets.agreement import jaccard, rank_correlation
from roadworthy.stress._subsets.back_select import back_select
from roadworthy.stress._subsets.collection import members
from roadworthy.stress._subsets.curve import curve
from roadworthy.stress._subsets.deletion import deleted
from roadworthy.stress._subsets.left import LEFT
from roadworthy.stress._subsets.regions import border, centre, dilated, share_in
from roadworthy.stress._subsets.removal import Removal, last, sufficient
from roadworthy.stress._subsets.schedule import Schedule, together
from roadworthy.stress._subsets.settings import passes, schedule_of, unfit, wants
from roadworthy.stress.bound import stress
from roadworthy.types import Classifier, Need


def one_order(
    order: NDArray[Any], confidence: list[float], baseline: float = 0.1, *, partial: bool = False
) -> Removal:
    return Removal(
        order.astype(np.uint16)[None],
        np.array([confidence]),
        np.array([baseline]),
        np.array([partial]),
    )


def in_steps(units: int, k: int) -> NDArray[np.uint16]:
    """Return an order of a square frame that loses ``k`` units a step, row by row."""
    side = int(units**0.5)
    return (np.arange(units) // k).astype(np.uint16).reshape(side, side)


@pytest.mark.parametrize(
    ("units", "k", "fraction", "expected"),
    [
        (1024, 1, 0.05, 52),
        (1024, 1, 0.1, 103),
        (1024, 1, 0.5, 512),
        (89401, 100, 0.1, 9001),
        (89401, 100, 0.05, 4501),
        (89401, 100, 0.5, 44701),
        (100, 1, 0.07, 7),  # 100 x 0.07 is 7.000000000000001
    ],
)
def test_fractions_have_the_published_sizes(
    units: int, k: int, fraction: float, expected: int
) -> None:
    order = in_steps(units, k)
    steps = int(order.max()) + 1
    kept = last(one_order(order, [0.9] * steps), fraction)[0]
    assert kept.sum() == expected
    assert order[kept].min() > order[~kept].max()  # whole steps, those that go last


def test_a_subset_is_read_off_at_the_last_crossing() -> None:
    order = np.arange(6).reshape(2, 3)
    dipping = one_order(order, [0.95, 0.4, 0.92, 0.91, 0.3, 0.2])
    assert sufficient(dipping, 0.9).kept[0].ravel().tolist() == [False] * 3 + [True] * 3
    assert sufficient(dipping, 0.93).kept[0].all()
    assert sufficient(dipping, 0.25).kept.sum() == 2
    low = sufficient(one_order(order, [0.89, 0.99, 0.99, 0.99, 0.99, 0.5]), 0.9)
    assert (low.under.item(), low.invalid.item(), low.found.item()) == (True, False, False)
    suffices = sufficient(one_order(order, [0.95] * 6, 0.9), 0.9)
    assert (suffices.under.item(), suffices.invalid.item()) == (False, True)
    steered = sufficient(one_order(order, [0.01, 0.2, 0.95, 0.91, 0.3, 0.2]), 0.9, whole=False)
    assert steered.kept.sum() == 3
    never = sufficient(one_order(order, [0.01, 0.2, 0.5, 0.6, 0.3, 0.2]), 0.9, whole=False)
    assert not never.kept.any()
    assert not never.invalid.any()


def test_thresholds_are_compared_in_the_numbers_that_are_kept() -> None:
    order = np.arange(2).reshape(1, 2)
    kept = Removal(
        order.astype(np.uint16)[None],
        np.array([[0.9, 0.9]], np.float32),  # below 0.9 in float64
        np.array([0.1], np.float32),
        np.array([False]),
    )
    assert sufficient(kept, 0.9).kept.sum() == 1


def test_orders_that_were_ended_hold_no_smaller_subsets() -> None:
    order = np.array([[0, 1, 2, 3, 3, 3, 3, 3, 3, 3]])
    ended = one_order(order, [0.9, 0.8, 0.1], 0.05, partial=True)
    assert last(ended, 0.8).sum() == 8
    assert last(ended, 0.7).sum() == 7
    assert last(ended, 0.5).sum() == 0
    assert last(one_order(order, [0.9, 0.8, 0.1, 0.0]), 0.5).sum() == 7
    points = curve(ended)[0]
    assert points[0] == 0.9
    assert np.isnan(points[LEFT.index(0.5)])
    assert points[-1] == 0.05


def test_a_curve_has_the_confidence_where_so_much_is_left() -> None:
    order = np.arange(100).reshape(10, 10)
    confidence = [1 - 0.005 * step for step in range(100)]
    points = curve(one_order(order, confidence, 0.25))[0]
    assert points == pytest.approx([1 - 0.5 * (1 - left) for left in LEFT[:-1]] + [0.25])


@pytest.mark.parametrize(
    ("rate", "units", "steps"),
    [
        (0.05, 1024, 89),
        (0.05, 50176, 164),
        (0.05, 89401, 176),
        (0.02, 89401, 400),
        (0.1, 89401, 92),
    ],
)
def test_geometric_schedules_are_as_long_as_they_should_be(
    rate: float, units: int, steps: int
) -> None:
    assert Schedule("geometric", 1, rate, 0.9, 0).steps(units) == (steps, 0)


def test_constant_schedules_end_where_trying_begins() -> None:
    assert Schedule("constant", 100, 0, 0, 0).steps(89401) == (895, 0)
    assert Schedule("constant", 100, 0, 0, 500).steps(50176) == (497, 500)
    assert Schedule("constant", 7, 0, 0, 1000).steps(100) == (0, 100)
    assert together("auto", 1024) == 1
    assert together("auto", 64 * 64) == 1
    assert together("auto", 224 * 224) == 100
    assert together(5, 224 * 224) == 5


def test_regions() -> None:
    edge, middle = border(32, 32), centre(32, 32)
    assert edge.mean() == 0.4375
    assert middle.mean() == 0.25
    assert not (edge & middle).any()
    assert edge[:4].all()
    assert not edge[4, 4:28].any()
    assert middle[8, 8]
    assert not middle[7, 8]
    kept = np.zeros((2, 32, 32), bool)
    kept[0, 0, :3] = kept[0, 16, 16] = True
    assert share_in(edge, kept)[0] == 0.75
    assert share_in(middle, kept)[0] == 0.25
    assert np.isnan(share_in(edge, kept)[1])
    assert border(3, 5).sum() == 12  # one pixel at least
    tall = border(64, 16)
    assert tall[:8].all()
    assert not tall[8, 2:14].any()


def test_dilation_takes_all_eight_neighbours_and_stays_in_its_image() -> None:
    kept = np.random.default_rng(0).random((3, 9, 7)) > 0.9
    kept[1] = False
    grown = dilated(kept)
    for one, original in zip(grown, kept, strict=True):
        assert np.array_equal(one, binary_dilation(original, np.ones((3, 3), bool)))


def test_agreement_of_subsets_and_of_orders() -> None:
    a, b = np.zeros((2, 2, 3), bool), np.zeros((2, 2, 3), bool)
    a[0, 0] = b[0, :, 0] = True
    assert jaccard(a, b)[0] == 1 / 4
    assert np.isnan(jaccard(a, b)[1])
    rng = np.random.default_rng(1)
    orders = rng.integers(0, 20, (2, 3, 8, 8)).astype(np.uint16)
    orders[0, 0, :2] = 65535  # gone before
    found = rank_correlation(*orders)
    for i in range(3):
        x, y = orders[0, i].ravel(), orders[1, i].ravel()
        there = x != 65535
        assert found[i] == pytest.approx(spearmanr(x[there], y[there]).statistic)
    assert rank_correlation(orders[0], orders[0]) == pytest.approx([1, 1, 1])
    assert np.isnan(rank_correlation(np.zeros((1, 2, 2), np.uint16), orders[:1, 0, :2, :2])).all()


def test_a_deletion_pass_leaves_nothing_that_can_be_spared() -> None:
    def score(x: NDArray[np.float64]) -> float:  # the second half stands for the first as well
        v = x.ravel()
        return float(max(v[0] * v[1] * v[2], v[3] * v[4]))

    asked = Plain(score, flat(1, 1, 1, 1, 1).repeat(2, axis=0))
    every = everything(asked).numpy()
    order = np.array([[[4, 3, 2, 1, 0]], [[0, 1, 2, 3, 4]]], np.uint16)
    kept = deleted(asked, every, order, 0.5, together=1)
    # those that go first in the order are tried first
    assert kept[0].ravel().tolist() == [True, True, True, False, False]
    assert kept[1].ravel().tolist() == [False, False, False, True, True]
    assert len(asked.asked) == 2 * 5
    coarse = deleted(asked, every, order, 0.5, together=2)
    assert coarse[0].ravel().tolist() == [True, True, True, False, False]
    assert coarse[1].ravel().tolist() == [False, False, True, True, True]
    none = deleted(asked, np.zeros_like(every), order, 0.5, together=1)
    assert not none.any()


def test_a_collection_has_disjoint_subsets_until_the_rest_is_not_enough() -> None:
    def score(x: NDArray[np.float64]) -> float:
        a, b, c, d, e, f = x.ravel()
        return float(0.5 * a * b + 0.3 * c + 0.2 * d * e * f)

    asked = Plain(score, flat(*[1] * 6).repeat(2, axis=0))
    asked.pictures[1, 0, 0, 5] = 0  # there the last product is always 0
    removal = back_select(asked, everything(asked), EXACT)
    found = members(asked, removal, EXACT, 0.5, 9)
    assert found[0].ravel().tolist() == [1, 1, 2, 2, 2, 2]
    assert found[1].ravel().tolist() == [1, 1, 0, 0, 0, 0]
    assert members(asked, removal, EXACT, 0.5, 1).max() == 1


def given(spec: str) -> dict[str, Any]:
    return dict(stress(spec).settings[0].arguments)


def test_a_threshold_is_no_part_of_what_is_made_unless_it_decides_it() -> None:
    size = (32, 32)
    usual = wants(given("sis(threshold=0.9)"), size)
    assert [w.name for w in usual] == ["order", "random_class"]
    same = wants(given("sis(threshold=0.5, draws=3, fractions=(0.2), baselines=(zero), k=1)"), size)
    assert [w.digest for w in same] == [w.digest for w in usual]
    assert usual[0].digest != usual[1].digest
    others = (
        "sis(k=2)",
        "sis(mask=zero)",
        "sis(method=exact)",
        "sis(schedule=geometric)",
        "sis(schedule=geometric, rate=0.1)",
        "sis(exact_from=10)",
        "sis(decay=0.5)",
        "sis(early_stop=5)",
    )
    digests = {wants(given(spec), size)[0].digest for spec in others}
    assert len({*digests, usual[0].digest}) == len(others) + 1
    ended = [wants(given(f"sis(threshold={t}, early_stop=5)"), size)[0].digest for t in (0.5, 0.9)]
    assert ended[0] != ended[1]
    first, _, several = wants(given("sis(collection=3)"), size)
    assert first.digest == usual[0].digest
    assert several.after == ("order",)
    assert wants(given("sis(controls=())"), size) == usual[:1]
    unused = wants(given("sis(method=exact, schedule=geometric, rate=0.2, k=9)"), size)
    assert unused[0].digest == wants(given("sis(method=exact)"), size)[0].digest


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("sis(threshold=0)", "threshold is a probability, above 0 and below 1, not 0"),
        ("sis(threshold=1)", "not 1"),
        ("sis(threshold=-0.5)", "not -0.5"),
        ("sis(threshold=[0.5, 1.5])", "not 1.5"),
        ("sis(k=0)", "k must be at least 1, not 0"),
        ("sis(k=some)", "k=some"),
        ("sis(rate=1)", "rate is the share"),
        ("sis(decay=1)", "decay is how much"),
        ("sis(fractions=(0.5, 0))", "fractions lie between 0 and 1, not at 0"),
        ("sis(draws=0)", "1 to 1000, not 0; for none leave random_subset out of controls"),
        ("sis(draws=1001)", "1 to 1000, not 1001"),
        ("sis(rate=0.1)", "rate is the share that goes in a step of schedule=geometric"),
        ("sis(baselines=(mean, tokens))", "'tokens' covers no pixels"),
        ("sis(collection=0)", "collection must be at least 1"),
        ("sis(early_stop=0)", "early_stop must be at least 1"),
        ("sis(exact_from=-1)", "exact_from is how many"),
        ("sis(deletion=-1)", "deletion must be at least 0"),
        ("sis(mask=meen)", "did you mean 'mean'"),
        ("sis(baselines=(mean, zeroo))", "did you mean 'zero'"),
        ("sis(controls=(dilate))", "controls"),
        ("sis(tau=0.9)", "no parameter 'tau'"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_runs(spec: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        stress(spec)
    assert says in str(raised.value)


def test_frames_that_will_not_do_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        gives = frozenset({Need.GRADIENT})

    model: Classifier = Nobody()  # type: ignore[assignment]
    too_many = unfit(given("sis(k=1025)"), model, (32, 32))
    assert "k=1025 pixels cannot go at once from a frame of 32x32, which has 1024" in too_many
    assert not unfit(given("sis(k=1024)"), model, (32, 32))
    too_long = unfit(given("sis(k=1)"), model, (299, 299))
    assert "give k=2 or more, or schedule=geometric" in too_long
    assert not unfit(given("sis(k=2)"), model, (299, 299))
    assert not unfit(given("sis"), model, (299, 299))
    assert unfit(given("sis(method=exact)"), model, (299, 299))


def test_what_is_asked_of_a_model_depends_on_the_method() -> None:
    assert Need.GRADIENT in stress("sis").needs
    assert stress("sis(method=exact)").needs == {Need.PROBABILITIES}
    assert Need.GRADIENT in stress("sis(exact_from=9)").needs


def test_passes_are_counted_before_they_are_made() -> None:
    alone = "controls=()"
    assert passes(given(f"sis({alone})"), (32, 32)) == (1025, 1024)
    assert passes(given("sis"), (32, 32)) == (2 * 1025, 2 * 1024)
    assert passes(given(f"sis({alone})"), (299, 299)) == (896, 895)
    assert passes(given(f"sis(method=exact, {alone})"), (32, 32)) == (524_800 + 1 + 1, 0)
    assert passes(given(f"sis(schedule=geometric, {alone})"), (32, 32)) == (90, 89)
    assert passes(given(f"sis(schedule=geometric, {alone})"), (224, 224)) == (46, 45)
    hybrid = given(f"sis(exact_from=500, {alone})")
    assert passes(hybrid, (224, 224)) == (497 + 125_250 + 1 + 1, 497)
    assert schedule_of(hybrid, (224, 224)).steps(50176) == (497, 500)
