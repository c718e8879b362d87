"""What attacks did, on records small enough to work out on paper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from attack_records import WRONG, budgeted, minimal
from metric_records import records

from roadworthy.errors import UsageError
from roadworthy.metrics import METRICS, evaluate_all, robustness_curve, strength_curve
from roadworthy.metrics.attacked import end_of, is_minimal
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import wilson
from roadworthy.metrics.members import members_in_turn
from roadworthy.metrics.order import median, rank_of_interval
from roadworthy.metrics.strength import ladder
from roadworthy.metrics.suite import SuiteCells, suite_metrics

INF = math.inf
FEW = (WRONG, 0.5, 1.0, 2.0, INF)
"""One image wrong when clean, three that fall, one that does not."""


def evaluated(name: str, rows: pl.DataFrame) -> Estimate:
    result = METRICS[name].function(rows)
    assert isinstance(result, Estimate), name
    return result


def value(name: str, rows: pl.DataFrame) -> Any:
    return evaluated(name, rows).value


def test_success_is_in_percent_of_the_images_that_were_attacked() -> None:
    got = evaluated("success_rate", minimal(*FEW))
    assert (got.value, got.n) == (75.0, 4)  # 3 of 4; the fifth was wrong already
    low, high = wilson(3, 4)
    assert (got.low, got.high) == pytest.approx((100 * float(low), 100 * float(high)))


def test_nobody_was_attacked() -> None:
    rows = minimal(WRONG, WRONG)
    named = {d.name for d, _ in evaluate_all(rows, None)}
    assert "success_rate" not in named
    assert not {name for name in named if name.startswith("median")}
    assert value("curve_area", rows) == 0.0


def test_metrics_of_attacks_do_not_apply_to_other_stresses() -> None:
    named = {d.name for d, _ in evaluate_all(records(correct=[True, False]), None)}
    assert named == {"top1", "worst_class_top1"}


def test_attacks_without_a_budget_have_no_robust_accuracy() -> None:
    assert METRICS["robust_top1"].function(minimal(*FEW)) is None
    assert METRICS["robust_top1"].function(minimal(INF, INF)) is None
    # records of verdicts alone are those of attacks with a budget
    assert not is_minimal(records(correct=[True, False], norm="Linf"))
    fixed = budgeted([(1, 4)], WRONG, [True], [False], [False])
    assert value("robust_top1", fixed) == 50.0  # 2 of 4


def test_a_targeted_attack_has_to_reach_its_target() -> None:
    rows = budgeted([(1, 4)], [False], [False], [True], WRONG)
    pushed_elsewhere = pl.col("sample") == "s1"
    rows = rows.with_columns(
        correct=pl.when(pushed_elsewhere).then(False).otherwise("correct"), target=pl.lit(3)
    )
    assert value("robust_top1", rows) == 50.0  # s0 and s1: neither is taken for the target
    assert value("top1", rows) == 25.0  # only s0 is still right
    assert value("success_rate", rows) == pytest.approx(100 / 3)


def test_failures_enter_the_median_as_infinity() -> None:
    got = evaluated("median_l2", minimal(*FEW))
    assert (got.value, got.n) == (1.5, 4)  # of 0.5, 1, 2, infinity; not 1 of the successes
    assert (got.low, got.high, got.reason) == (None, None, "")  # four are too few for an interval
    assert value("median_l2", minimal(0.5, 1.0, INF)) == 1.0


def test_an_infinite_median_is_null_and_says_why() -> None:
    got = evaluated("median_l2", minimal(1.0, 3.0, 2.0, INF, INF, INF, WRONG))
    assert got.value is None
    assert (got.low, got.high, got.n) == (1.0, None, 6)
    assert "reached on 3 of 6 images" in got.reason
    # of a fixed budget nobody expects more
    assert evaluated("median_linf", budgeted([(1, 4)], [False], [False], [True])).reason == ""


def test_medians_are_of_the_norms_that_were_measured() -> None:
    rows = minimal(*FEW, l1=[0.0, 4.0, 8.0, 16.0, None], l0=[0, 30, 10, 20, None])
    assert value("median_l1", rows) == 12.0
    assert value("median_l0", rows) == 25.0
    assert METRICS["median_linf"].function(rows) is None
    # of a fixed budget only its own norm means something
    fixed = budgeted([(1, 4)], [True], [True]).with_columns(l2=pl.lit(1.0))
    assert value("median_linf", fixed) == 0.25
    assert METRICS["median_l2"].function(fixed) is None


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1", "L0"])
def test_per_pixel_is_divided_by_the_number_of_elements(norm: str) -> None:
    rows = minimal(*(float(i) for i in range(1, 10)), norm=norm, size="10x20")
    name = f"median_{norm.lower()}"
    plain, scaled = evaluated(name, rows), evaluated(f"{name}_per_pixel", rows)
    assert (plain.value, plain.low, plain.high) == (5.0, 2.0, 8.0)  # 2nd of 9 from both ends
    assert scaled.value == pytest.approx(5 / 600)
    assert (scaled.low, scaled.high) == pytest.approx((2 / 600, 8 / 600))
    others = {"linf", "l2", "l1", "l0"} - {norm.lower()}
    assert all(METRICS[f"median_{o}_per_pixel"].function(rows) is None for o in others)


def test_of_several_rows_the_smallest_distance_counts() -> None:
    twice = pl.concat([minimal(3.0, INF, 1.0), minimal(2.0, 5.0, INF)])
    got = evaluated("median_l2", twice)
    assert (got.value, got.n) == (2.0, 3)  # of 2, 5, 1
    fixed = budgeted([(1, 4), (1, 2)], [False, False], [False, True], [True, True])
    assert value("median_linf", fixed) == 0.5  # of infinity, 1/2, 1/4


@pytest.mark.parametrize(
    ("n", "k"), [(1, 0), (5, 0), (6, 1), (8, 1), (9, 2), (10, 2), (20, 6), (100, 40), (1000, 469)]
)
def test_ranks_of_the_interval_of_a_median(n: int, k: int) -> None:
    # tables of the sign test at 5 %, two-sided
    assert rank_of_interval(n) == k


def test_the_ranks_leave_at_most_the_level_outside() -> None:
    for n in (6, 7, 30, 51, 400):
        tail = [math.comb(n, i) / 2**n for i in range(n + 1)]
        k = rank_of_interval(n)
        assert sum(tail[:k]) <= 0.025 < sum(tail[: k + 1])


def test_the_interval_of_a_median_may_end_in_infinity() -> None:
    got = median(np.array([4.0, 1.0, 2.0, 3.0, 6.0, 5.0, INF, INF, INF]))
    assert (got.value, got.low, got.high, got.n) == (5.0, 2.0, None, 9)
    assert median(np.array([])) == Estimate(None, None, None, 0)


def at(rows: pl.DataFrame, *budgets: float) -> list[float | None]:
    return [point.estimate.value for point in robustness_curve(rows, budgets)]


def test_every_budget_is_read_off_the_distances() -> None:
    rows = minimal(*FEW)
    assert at(rows, 0.0, 0.49, 0.5, 0.75, 1.0, 2.0, 9.0) == [80, 80, 60, 60, 40, 20, 20]
    middle = robustness_curve(rows, [0.75])[0]
    low, high = wilson(3, 5)
    assert (middle.at, middle.estimate.n) == (0.75, 5)
    assert middle.estimate.low == pytest.approx(100 * float(low))
    assert middle.estimate.high == pytest.approx(100 * float(high))


def test_a_change_on_the_edge_of_the_budget_is_inside_despite_rounding() -> None:
    # float32(8/255) is larger than 8/255, and differences of pixels are off by 6e-8
    rows = minimal(float(np.float32(8 / 255)) + 6e-8, norm="Linf")
    assert at(rows, 8 / 255) == [0]
    assert at(rows, 7.99 / 255) == [100]
    assert at(minimal(1e-7), 0.0) == [100]  # without a budget nothing falls


def test_the_curve_ends_where_it_is_documented() -> None:
    ends = {"Linf": (16 / 255, 16 / 255), "L2": (2, 5), "L1": (24, 100), "L0": (100, 500)}
    for norm, (small, large) in ends.items():
        assert end_of(minimal(1.0, norm=norm, size="64x48")) == small
        assert end_of(minimal(1.0, norm=norm, size="48x65")) == large
    curve = robustness_curve(minimal(*FEW))
    assert len(curve) == 33
    assert (curve[0].at, curve[0].estimate.value) == (0, 80)
    assert (curve[-1].at, curve[-1].estimate.value) == (2, 20)


def test_curves_of_fixed_budgets_are_their_points() -> None:
    rows = budgeted([(1, 10), (1, 2)], WRONG, [False, False], [False, True], [True, True])
    curve = robustness_curve(rows)
    assert [(p.at, p.estimate.value) for p in curve] == [(0, 75), (0.1, 50), (0.5, 25)]
    assert at(rows, 0.5, 0.1) == [25, 50]
    with pytest.raises(UsageError, match=r"did not run with eps=0.2: .* 0, 0.1, 0.5"):
        robustness_curve(rows, [0.2])


def test_areas_of_attacks() -> None:
    # up to 2: (0 + 0.5 + 1 + 2 + 2) / 5 of 2
    got = evaluated("curve_area", minimal(*FEW))
    assert got.value == pytest.approx(55.0)
    assert got.n == 5
    assert value("curve_area", minimal(4.0, 7.0, size="224x224")) == pytest.approx(90.0)
    # 75, 50 and 25 % at 0, 0.1 and 0.5: (62.5 · 0.1 + 37.5 · 0.4) / 0.5
    rows = budgeted([(1, 10), (1, 2)], WRONG, [False, False], [False, True], [True, True])
    assert value("curve_area", rows) == pytest.approx(42.5)
    assert METRICS["curve_area"].function(budgeted([(1, 10)], [False], [True])) is None
    # only samples that have all budgets: those of the second half have none of 1/2
    more = budgeted([(1, 10)], *[[True]] * 8).filter(pl.col("sample").is_in(["s5", "s6"]))
    assert evaluated("curve_area", pl.concat([rows, more])).n == 4


def test_the_area_is_that_under_the_curve() -> None:
    rows = minimal(*np.random.default_rng(0).lognormal(-0.5, 1, 200), WRONG, INF)
    curve = robustness_curve(rows, list(np.linspace(0, 2, 2001)))
    under = np.trapezoid([p.estimate.value for p in curve], [p.at for p in curve]) / 2
    assert value("curve_area", rows) == pytest.approx(under, abs=0.05)


def test_a_curve_is_of_one_attack() -> None:
    two = pl.concat([minimal(1.0), minimal(2.0, stress="ddn")])
    with pytest.raises(UsageError, match=r"of one stress, not of 2: .*\(ddn, fmn\)"):
        robustness_curve(two)
    with pytest.raises(UsageError, match="records of an attack"):
        robustness_curve(records(correct=[True, False]))


def stepped(*first: int | None, run: int = 40) -> pl.DataFrame:
    """Return the records of an attack by the step after which each image fell; -1: wrong."""
    rows = budgeted([(1, 4)], *[WRONG if f == -1 else [f is not None] for f in first])
    noted = [None if f in (None, -1) else f for f in first]
    return rows.with_columns(
        step_success=pl.Series(noted, dtype=pl.Int32),
        steps_used=pl.Series([0 if f == -1 else run for f in first], dtype=pl.Int32),
    )


def test_accuracy_after_so_many_steps() -> None:
    rows = stepped(-1, 0, 1, 7, 40, None)
    curve = strength_curve(rows, [0, 1, 6, 7, 39, 40])
    shares = [4, 3, 3, 2, 2, 1]  # of six, one of them wrong when clean
    assert [p.estimate.value for p in curve] == pytest.approx([100 * s / 6 for s in shares])
    assert [p.at for p in strength_curve(rows)] == [0, 1, 2, 5, 10, 20, 40]
    low, high = wilson(2, 6)
    assert curve[3].estimate.low == pytest.approx(100 * float(low))
    assert curve[3].estimate.high == pytest.approx(100 * float(high))


def test_what_only_the_judge_saw_fell_at_the_last_step() -> None:
    rows = stepped(3, 5, None)
    seen = pl.col("sample") == "s1"
    rows = rows.with_columns(step_success=pl.when(~seen).then("step_success"))
    assert [p.estimate.value for p in strength_curve(rows, [5, 39, 40])] == pytest.approx(
        [200 / 3, 200 / 3, 100 / 3]
    )


def test_there_are_no_steps_to_tell_of() -> None:
    with pytest.raises(UsageError, match="did not note its steps"):
        strength_curve(budgeted([(1, 4)], [True], [False]))
    with pytest.raises(UsageError, match="one budget"):
        strength_curve(budgeted([(1, 4), (1, 2)], [True, True]))
    with pytest.raises(UsageError, match="one budget"):
        strength_curve(minimal(1.0, INF))
    assert ladder(5000)[-4:] == [500, 1000, 2000, 5000]
    assert ladder(1) == [0, 1]
    assert ladder(100) == [0, 1, 2, 5, 10, 20, 50, 100]


def worst(**attacks: pl.DataFrame) -> Estimate | None:
    cells = SuiteCells(stresses=tuple(attacks), rows=attacks)
    found: Estimate | None = suite_metrics("attacks")["worst_case_top1"].function(cells)
    return found


def test_the_worst_case_is_image_by_image() -> None:
    one = budgeted([(1, 4)], WRONG, [False], [True], [False], [False])
    two = budgeted([(1, 4)], WRONG, [True], [False], [False], [False])
    got = worst(one=one, two=two)
    assert got is not None
    assert (got.value, got.n) == (40.0, 5)  # each alone leaves 60
    low, high = wilson(2, 5)
    assert (got.low, got.high) == pytest.approx((100 * float(low), 100 * float(high)))


def test_the_worst_case_is_over_samples_that_all_attacks_finished() -> None:
    one = budgeted([(1, 4)], [False], [True], [False], [False])
    two = budgeted([(1, 4)], [False], [False], [False]).with_columns(
        sample=pl.Series(["s3", "s1", "s9"])
    )
    got = worst(one=one, two=two)
    assert got is not None
    assert (got.value, got.n) == (50.0, 2)  # s1 falls, s3 stands
    apart = two.with_columns(sample=pl.Series(["x", "y", "z"]))
    with pytest.raises(UsageError, match="no sample was finished by all"):
        worst(one=one, two=apart)


def test_attacks_for_the_smallest_change_take_part_by_distance() -> None:
    fixed = budgeted([(1, 4)], [False], [False], [True], WRONG)
    small = minimal(0.25, 0.26, INF, WRONG, norm="Linf")
    got = worst(fixed=fixed, small=small)
    assert got is not None
    assert got.value == 25.0  # s1 alone: 0.25 is inside the budget, 0.26 is not


def test_attacks_that_cannot_be_taken_together() -> None:
    one = budgeted([(1, 4)], [False])
    assert worst(one=one) is None
    assert worst(a=minimal(1.0), b=minimal(2.0)) is None  # neither has a budget
    assert worst(one=one, two=budgeted([(1, 2)], [False])) is None
    assert worst(one=one, two=minimal(1.0, norm="L2")) is None


def of_all(name: str, **attacks: pl.DataFrame) -> Estimate | None:
    cells = SuiteCells(stresses=tuple(attacks), rows=attacks)
    found: Estimate | None = suite_metrics("attacks")[name].function(cells)
    return found


def test_of_several_searches_the_smallest_change_counts() -> None:
    one = minimal(0.5, 3.0, INF, INF, WRONG)
    two = minimal(1.0, 1.5, 1.0, INF, WRONG, 9.0)  # nobody else finished the last
    middle, area = (
        of_all("worst_case_median", a=one, b=two),
        of_all("worst_case_area", a=one, b=two),
    )
    assert middle is not None
    assert area is not None
    assert (middle.value, middle.n) == (1.25, 4)  # of 0.5, 1.5, 1, infinity
    assert area.value == pytest.approx(100 * (0.5 + 1.5 + 1 + 2 + 0) / 5 / 2)
    assert area.n == 5
    never = of_all("worst_case_median", a=minimal(INF, INF), b=minimal(INF, 1.0, 2.0))
    assert never is not None
    assert "on 1 of 2" in never.reason
    assert of_all("worst_case_median", a=one) is None
    assert of_all("worst_case_area", a=one, b=budgeted([(1, 4)], [True])) is None
    assert of_all("worst_case_median", a=one, b=minimal(1.0, norm="L1")) is None
    with pytest.raises(UsageError, match="no sample was finished by all"):
        of_all("worst_case_area", a=one, b=minimal(1.0, sample=["x"]))


def test_a_cascade_member_by_member() -> None:
    rows = budgeted([(1, 4)], WRONG, [True], [False], [True], [True]).with_columns(
        broken_by=pl.Series([None, "fast", None, "slow", "fast"]),
        forwards=pl.Series([0, 7, 90, 60, 3]),
    )
    shares = members_in_turn(rows)
    assert [(s.name, s.broken) for s in shares] == [("", 1), ("fast", 2), ("slow", 1)]
    assert [s.share.value for s in shares] == pytest.approx([20, 40, 20])
    assert [s.left.value for s in shares] == pytest.approx([80, 40, 20])
    assert members_in_turn(rows.with_columns(broken_by=pl.lit(None, pl.String))) == []
