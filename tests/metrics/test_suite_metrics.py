"""Metrics over whole suites: on paper, against published tables, and what is said when they fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from metric_records import records
from suite_records import (
    FILMS,
    alexnet,
    alexnet_films,
    constant,
    corrupted,
    corruption_suite,
    judged_clean,
    sequences,
    shares,
    specs,
    values,
)

from roadworthy.baselines import Baseline
from roadworthy.errors import UsageError
from roadworthy.metrics import METRICS
from roadworthy.metrics.corruption_error import CORRUPTIONS
from roadworthy.metrics.flip_rate import PERTURBATIONS
from roadworthy.metrics.interval import wilson
from roadworthy.metrics.suite import SuiteCells, evaluate_suite, suite_estimate, suite_metrics

# published top-1 accuracies on the full ImageNet-C, meant over severities, and CE; order of CORRUPTIONS
RESNET50 = """29.29 79.77 27.03 81.58 23.81 82.58 38.75 74.71 26.79 88.61 38.67 78.03 36.24 79.86
32.53 77.83 38.14 74.84 45.83 66.11 68.02 56.64 39.06 71.43 45.25 84.75 44.79 76.92 53.41 76.82"""
RELATIVE = (
    """103.7 106.8 107.2 97.1 126.0 106.7 109.7 100.9 97.0 78.8 62.5 88.6 146.2 110.7 132.3"""
)
# unnormalised errors with their mean and mCE
RESNEXT = {
    "32x8d": (
        "60.01 61.75 65.74 53.14 65.68 51.83 56.87 60.11 54.62 49.47 28.23 56.12 47.57 43.96 38.70",
        52.92,
        66.65,
    ),
    "32x48d WSL": (
        "36.59 38.44 39.81 39.12 54.82 37.50 44.49 39.67 37.80 29.92 18.38 32.11 40.26 25.63 26.90",
        36.09,
        45.70,
    ),
}
# flip probabilities on ImageNet-P in percent, and mFR
FLIPS = {
    "32x8d": ("10.626 13.105 4.463 3.518 5.784 2.610 4.024 5.590 3.313 8.868", 46.15),
    "32x8d WSL": ("7.488 8.887 4.010 3.485 5.225 2.007 3.495 4.808 3.027 6.676", 38.76),
    "32x16d WSL": ("6.477 7.793 3.330 2.819 4.293 1.781 2.899 4.173 2.567 5.585", 32.73),
    "32x32d WSL": ("6.023 7.111 3.045 2.554 3.839 1.642 2.599 3.727 2.366 4.938", 29.72),
    "32x48d WSL": ("5.847 6.991 2.842 2.323 3.667 1.536 2.416 3.469 2.149 4.619", 27.83),
}


def numbers(text: str) -> list[float]:
    return [float(number) for number in text.split()]


def test_alexnet_itself_has_100() -> None:
    cells = corruption_suite(
        lambda name: list(alexnet().errors[name].values()), 2000, baseline=alexnet()
    )
    found = values("corruptions", cells)
    for name in CORRUPTIONS:
        assert found["ce", name].estimate.value == pytest.approx(100, abs=0.05)
        assert found["relative_ce", name].estimate.value == pytest.approx(100, abs=0.2)
    assert found["mce", ""].estimate.value == pytest.approx(100, abs=0.02)
    assert found["relative_mce", ""].estimate.value == pytest.approx(100, abs=0.1)
    assert found["mean_error", ""].estimate.value == pytest.approx(78.90, abs=0.01)


def test_resnet50_has_its_published_errors() -> None:
    accuracies = dict(zip(CORRUPTIONS, numbers(RESNET50)[::2], strict=True))
    errors = {name: 100 - accuracy for name, accuracy in accuracies.items()}
    cells = corruption_suite(constant(errors), 10_000, clean=23.87, baseline=alexnet())
    found = values("corruptions", cells)
    for name, ce, relative in zip(
        CORRUPTIONS, numbers(RESNET50)[1::2], numbers(RELATIVE), strict=True
    ):
        assert found["ce", name].estimate.value == pytest.approx(ce, abs=0.01)
        assert found["relative_ce", name].estimate.value == pytest.approx(relative, abs=0.1)
    assert found["mce", ""].estimate.value == pytest.approx(76.70, abs=0.005)
    assert found["relative_mce", ""].estimate.value == pytest.approx(104.95, abs=0.03)
    assert found["mean_error", ""].estimate.value == pytest.approx(60.83, abs=0.01)


@pytest.mark.parametrize("model", RESNEXT)
def test_resnext_has_its_published_means(model: str) -> None:
    text, mean, mce = RESNEXT[model]
    errors = dict(zip(CORRUPTIONS, numbers(text), strict=True))
    cells = corruption_suite(constant(errors), 2300, baseline=alexnet())
    found = values("corruptions", cells)
    assert found["mean_error", ""].estimate.value == pytest.approx(mean, abs=0.01)
    assert found["mce", ""].estimate.value == pytest.approx(mce, abs=0.01)


@pytest.mark.parametrize("model", FLIPS)
def test_flips_of_resnext_have_their_published_mean(model: str) -> None:
    text, mfr = FLIPS[model]
    flips = dict(zip(specs(PERTURBATIONS, FILMS), numbers(text), strict=True))
    rows = {spec: sequences(spec, shares([value] * 200, 100)) for spec, value in flips.items()}
    cells = SuiteCells(stresses=tuple(rows), rows=rows, baseline=alexnet_films())
    found = values("sequences", cells)
    assert found["mfr", ""].estimate.value == pytest.approx(mfr, abs=0.02)
    assert found["flip_probability", ""].estimate.value == pytest.approx(
        np.mean(list(flips.values())), abs=0.003
    )
    assert found["flip_rate", "translate"].estimate.value == pytest.approx(
        100 * flips[f"translate({FILMS})"] / 11.01, abs=0.05
    )
    # nobody printed AlexNet's distances
    assert found["mt5d", ""].estimate.value is None
    assert "no top-5 distance of gaussian_noise_sequence" in found["mt5d", ""].reason
    assert found["t5d", ""].estimate.value == pytest.approx(
        3 * np.mean(list(flips.values())) / 100, abs=1e-3
    )


T, F = True, False
SMALL = Baseline(
    name="small",
    exact=True,
    clean_error=10.0,
    errors={
        "fog": {1: 20.0, 2: 30.0, 3: 40.0, 4: 50.0, 5: 60.0},
        "snow": {1: 80.0, 2: 80.0, 3: 80.0, 4: 80.0, 5: 80.0},
    },
    flips={"rotate": 10.0},
    top5_distances={"rotate": 2.0},
)
TWO = {
    # errors of four samples at five severities: 1 + 2 + 3 + 3 + 4 quarters, and 0 + 0 + 1 + 1 + 2
    "fog": np.array([[T, T, T, T, T], [F, T, T, T, T], [F, F, T, T, T], [F, F, F, F, T]]),
    "snow": np.array([[F, F, T, T, T], [F, F, F, F, T], [F, F, F, F, F], [F, F, F, F, F]]),
}


def two(baseline: Baseline | None = SMALL) -> SuiteCells:
    rows = {name: corrupted(name, wrong) for name, wrong in TWO.items()}
    clean = judged_clean(np.array([T, F, F, F]))
    return SuiteCells(stresses=("fog", "snow"), rows=rows, clean=clean, baseline=baseline)


def test_two_corruptions_on_paper() -> None:
    found = values("corruptions", two())
    # sums of errors .25 + .5 + .75 + .75 + 1 = 3.25 and 1; of the baseline 2 and 4
    assert found["ce", "fog"].estimate.value == pytest.approx(100 * 3.25 / 2)
    assert found["ce", "snow"].estimate.value == pytest.approx(100 * 1 / 4)
    # clean .25 and .1: 3.25 - 1.25 = 2 over 2 - .5, and 1 - 1.25 over 4 - .5
    assert found["relative_ce", "fog"].estimate.value == pytest.approx(100 * 2 / 1.5)
    assert found["relative_ce", "snow"].estimate.value == pytest.approx(100 * -0.25 / 3.5)
    assert found["mean_error", ""].estimate.value == pytest.approx(100 * 4.25 / 10)
    assert found["mean_error", ""].estimate.n == 4
    # not the fifteen, so there is no mean over them
    assert ("mce", "") not in found
    assert ("relative_mce", "") not in found


def test_interval_of_a_corruption_error_on_paper() -> None:
    # errors of the samples: 5, 4, 3, 1 of 5; over a baseline of 2: 250, 200, 150, 50 percent, at
    # most 250. Mean 162.5 = .65 of that; deviations .35, .15, -.05, -.45 give squares .35, so
    # .65 · .35 · 16 / .35 = 10.4 verdicts
    got = values("corruptions", two())["ce", "fog"].estimate
    low, high = wilson(0.65 * 10.4, 10.4, quantile=3.182446)
    assert got.low == pytest.approx(250 * float(low))
    assert got.high == pytest.approx(250 * float(high))


def test_only_samples_judged_everywhere_count() -> None:
    cells = two()
    rows = {**cells.rows, "snow": cells.rows["snow"].filter(pl.col("sample") != "0")}
    found = values("corruptions", replace(cells, rows=rows))
    # without the first sample, 2 + 1 + ... : fog 4 + 3 + 1 and snow 1 of 3 · 10
    assert found["mean_error", ""].estimate.value == pytest.approx(100 * 9 / 30)
    assert found["mean_error", ""].estimate.n == 3
    assert found["ce", "fog"].estimate.n == 4


def test_order_of_members_and_rows_changes_nothing() -> None:
    cells = two()
    mixed = {
        name: rows.sample(fraction=1, shuffle=True, seed=3) for name, rows in cells.rows.items()
    }
    assert cells.clean is not None
    clean = cells.clean.sample(fraction=1, shuffle=True, seed=4)
    again = evaluate_suite("corruptions", replace(cells, rows=mixed, clean=clean))
    assert again == evaluate_suite("corruptions", cells)


def test_severities_asked_for_are_those_that_count() -> None:
    wrong = TWO["fog"][:, [0, 2]]
    rows = corrupted("fog(severity=[1, 3])", wrong).with_columns(
        severity=pl.col("severity").replace({2: 3})
    )
    cells = SuiteCells(stresses=tuple(rows["stress"].unique()), rows={"fog(severity=[1, 3])": rows})
    found = values("corruptions", replace(cells, baseline=SMALL))
    assert found["mean_error", ""].estimate.value == pytest.approx(50.0)
    assert found["ce", "fog"].estimate.value == pytest.approx(100 * 1 / 0.6)


def test_extras_are_not_part_of_the_mean() -> None:
    errors = dict.fromkeys((*CORRUPTIONS, "saturate"), 60.0)
    plain = corruption_suite(constant(errors), 50, baseline=alexnet())
    errors["saturate"] = 0.0
    names = (*CORRUPTIONS, "saturate")
    more = corruption_suite(constant(errors), 50, baseline=alexnet(), names=names)
    one, other = values("corruptions", plain), values("corruptions", more)
    for name in ("mce", "relative_mce", "mean_error"):
        assert one[name, ""].estimate == other[name, ""].estimate
    assert other["ce", "saturate"].estimate.value == 0.0


def test_a_suite_with_only_some_of_the_published_members_leaves_none_out() -> None:
    cells = corruption_suite(
        constant({"fog": 60.0, "saturate": 20.0}), 50, names=("fog", "saturate")
    )
    assert values("corruptions", cells)["mean_error", ""].estimate.value == pytest.approx(40.0)
    spatter = np.array([[T, T, T, F]] * 4), np.array([[F, F, F, F]] * 4)
    rows = {
        n: sequences(n, f) for n, f in zip(("rotate", "spatter_sequence"), spatter, strict=True)
    }
    found = values("sequences", SuiteCells(stresses=tuple(rows), rows=rows))
    assert found["flip_probability", ""].estimate.value == pytest.approx(37.5)


def test_without_a_baseline_only_the_mean_error_is_known() -> None:
    found = values("corruptions", replace(two(None), why_no_baseline="other store"))
    assert found["mean_error", ""].estimate.value is not None
    assert found["ce", "fog"].estimate.value is None
    assert found["ce", "fog"].reason == "other store"


def missing(cells: SuiteCells, name: str) -> str:
    result = values("corruptions", cells)[name, ""]
    assert result.estimate.value is None
    return result.reason


def test_what_is_missing_is_named() -> None:
    whole = corruption_suite(constant(dict.fromkeys(CORRUPTIONS, 50.0)), 20, baseline=alexnet())
    fog = specs(["fog"])[0]
    assert whole.clean is not None
    rest = {spec: rows for spec, rows in whole.rows.items() if spec != fog}
    assert missing(replace(whole, rows=rest), "mce") == "fog has no results"
    part = {**whole.rows, fog: whole.rows[fog].filter(pl.col("severity") < 5)}
    assert missing(replace(whole, rows=part), "mce") == "fog has no results at severity 5"
    assert "clean images" in missing(replace(whole, clean=None), "relative_mce")
    assert "no clean error" in missing(
        replace(whole, baseline=replace(alexnet(), clean_error=None)), "relative_mce"
    )
    other = {**whole.rows, fog: whole.rows[fog].with_columns(sample="x" + pl.col("sample"))}
    assert "every corruption" in missing(replace(whole, rows=other), "mean_error")
    none = {**alexnet().errors, "fog": dict.fromkeys(range(1, 6), 0.0)}
    assert "makes no error" in missing(
        replace(whole, baseline=replace(alexnet(), errors=none)), "mce"
    )
    assert "loses nothing" in missing(
        replace(whole, baseline=replace(alexnet(), clean_error=99.0)), "relative_mce"
    )


def test_sequences_on_paper() -> None:
    flips = np.array([[T, F, F, F], [F, F, F, F], [T, T, F, F]])
    distances = np.array([[4, 0, 0, 0], [1, 1, 0, 0], [15, 15, 0, 0]])
    rows = {"rotate": sequences("rotate", flips, distances)}
    found = values("sequences", SuiteCells(stresses=("rotate",), rows=rows, baseline=SMALL))
    assert found["flip_probability", ""].estimate.value == pytest.approx(25.0)  # 3 of 12
    assert found["flip_rate", "rotate"].estimate.value == pytest.approx(250.0)
    assert found["t5d", ""].estimate.value == pytest.approx(3.0)  # 36 of 12
    assert ("mfr", "") not in found
    several = rows["rotate"].with_columns(variant=pl.Series(["a", "b", "a"]))
    refused = values("sequences", SuiteCells(stresses=("rotate",), rows={"rotate": several}))
    assert "several difficulties" in refused["flip_probability", ""].reason


def test_distances_over_those_of_a_baseline() -> None:
    names = specs(PERTURBATIONS, FILMS)
    known = {name: 1.0 + i for i, name in enumerate(names)}
    baseline = Baseline(name="own", exact=True, top5_distances=known)
    moved = {n: np.full((6, 3), 2 * (i % 7)) for i, n in enumerate(names)}
    rows = {n: sequences(n, np.zeros((6, 3), bool), moved[n]) for n in names}
    found = values("sequences", SuiteCells(stresses=names, rows=rows, baseline=baseline))
    expected = np.mean([100 * 2 * (i % 7) / (1 + i) for i in range(10)])
    assert found["mt5d", ""].estimate.value == pytest.approx(expected)
    assert "no flip probability" in found["mfr", ""].reason


def test_a_thousand_images_are_a_thousand_however_many_pictures() -> None:
    """All 75 pictures of an easy photograph fare alike, as they do for real models."""
    draws = np.random.default_rng(0)
    skill = draws.normal(0.0, 1.5, 1000)
    own = {name: draws.normal(-0.3, 0.3) for name in CORRUPTIONS}
    rows = {}
    for name, spec in zip(CORRUPTIONS, specs(), strict=True):
        levels = own[name] - np.linspace(-1, 1, 5) + skill[:, None]
        rows[spec] = corrupted(spec, draws.logistic(0, 0.6, levels.shape) > levels)
    cells = SuiteCells(stresses=tuple(rows), rows=rows, baseline=alexnet())
    got = values("corruptions", cells)["mce", ""].estimate
    assert got.low is not None
    assert got.high is not None
    assert got.n == 1000
    assert (got.high - got.low) / 2 > 1.2
    wrong = 1 - np.concatenate([frame["correct"].to_numpy() for frame in rows.values()])
    as_rows = 100 * 1.96 * np.sqrt(wrong.var() / wrong.size) / 0.789
    assert as_rows < 0.5  # what 75,000 independent pictures would give


def test_no_spread_gives_the_interval_of_the_samples() -> None:
    cells = corruption_suite(constant(dict.fromkeys(CORRUPTIONS, 100.0)), 30)
    got = values("corruptions", cells)["mean_error", ""].estimate
    assert got.value == pytest.approx(100)
    assert got.low is not None
    assert 80 < got.low < 95
    assert got.high == pytest.approx(100)


def test_one_metric_for_until() -> None:
    whole = corruption_suite(constant(dict.fromkeys(CORRUPTIONS, 50.0)), 20, baseline=alexnet())
    expected = values("corruptions", whole)["mce", ""].estimate
    assert suite_estimate("mce", whole.rows, whole.clean, alexnet()) == expected
    assert suite_estimate("mce", whole.rows, whole.clean, None) is None
    assert suite_estimate("mfr", whole.rows, whole.clean, alexnet()) is None
    with pytest.raises(UsageError, match="not a metric of a whole suite"):
        suite_estimate("ce", whole.rows)


def test_suite_metrics_are_documented_and_no_metrics_of_cells() -> None:
    names = {*suite_metrics("corruptions"), *suite_metrics("sequences")}
    assert {"ce", "mce", "relative_mce", "mean_error", "flip_rate", "mfr", "mt5d"} <= names
    assert not {"ce", "mce", "mfr"} & set(METRICS)
    for kind in ("corruptions", "sequences"):
        for name, definition in suite_metrics(kind).items():
            assert definition.name == name
            assert len(definition.doc) > 100
    assert suite_metrics(None) == {}


def test_images_without_labels_have_no_errors() -> None:
    rows = {"fog": records(sample=["a", "b"], severity=[1, 1], variant="severity=1")}
    found = values("corruptions", SuiteCells(stresses=("fog",), rows=rows))
    assert found["mean_error", ""].reason == "fog has no results at severity 1"
