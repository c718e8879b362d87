"""Metrics over pipelines: published tables, records made by hand, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log

import numpy as np
import polars as pl
import pytest
from metric_records import records

from roadworthy.metrics import METRICS
from roadworthy.metrics.mcnemar import exact_mcnemar
from roadworthy.metrics.spread import spread
from roadworthy.metrics.suite import SuiteCells, SuiteResult, evaluate_suite

OWN = "pipeline(size=224)"
IMAGES = 50_000

DECODERS = {
    "Pillow": ((76.430, 76.426, 75.310), 76.055, 0.645),
    "FFmpeg": ((75.730, 75.664, 76.318), 75.904, 0.360),
    "mix": ((76.530, 76.524, 76.414), 76.489, 0.0653),
}
RESIZERS = {
    "pil-bilinear": ((76.572, 72.168, 76.512, 72.090, 75.346, 74.072), 74.460, 2.02),
    "pil-nearest": ((74.872, 75.988, 75.548, 75.970, 76.002, 76.056), 75.739, 0.463),
    "pil-cubic": ((76.312, 72.828, 76.596, 72.876, 75.810, 74.666), 74.848, 1.68),
    "cv-nearest": ((74.818, 76.298, 75.474, 76.092, 76.082, 76.192), 75.826, 0.571),
    "cv-bilinear": ((75.840, 75.268, 76.446, 75.248, 76.682, 76.436), 75.987, 0.629),
    "cv-cubic": ((76.194, 72.812, 76.510, 72.940, 75.736, 74.818), 74.835, 1.62),
    "mix": ((76.154, 75.876, 76.344, 75.786, 76.444, 76.330), 76.156, 0.270),
}
WORST = {"pil-bilinear": 72.090, "pil-nearest": 74.872, "cv-nearest": 74.818, "mix": 75.786}


def verdicts(top1: Sequence[float]) -> np.ndarray:
    """Return verdicts (50 000, K) of the accuracies of a printed row."""
    right = [round(IMAGES * share / 100) for share in top1]
    return np.column_stack([np.arange(IMAGES) < count for count in right]).astype(float)


@pytest.mark.parametrize(("top1", "mean", "std"), [*DECODERS.values(), *RESIZERS.values()])
def test_the_published_tables_print_the_sample_standard_deviation(
    top1: tuple[float, ...], mean: float, std: float
) -> None:
    """Both tables of the ResNet-50, to the digits printed; ddof=0 would be 9 to 18 % less."""
    values = verdicts(top1)
    found = spread(values, ddof=1).value
    assert found is not None
    digits = 4 if std < 0.1 else 3 if std < 1 else 2
    assert found == pytest.approx(std, abs=0.5001 * 10**-digits)
    assert 100 * values.mean() == pytest.approx(mean, abs=0.00051)
    population = spread(values, ddof=0).value
    assert population == pytest.approx(np.std(top1), rel=1e-6)
    assert population != pytest.approx(std, abs=0.5001 * 10**-digits)


@pytest.mark.parametrize("row", WORST)
def test_worst_of_the_published_rows(row: str) -> None:
    """Against the pipeline it was trained with: 76.572 - 72.090 = 4.482 points for Pillow bilinear."""
    top1 = RESIZERS[row][0]
    own = 0 if row == "mix" else list(RESIZERS).index(row)
    table = verdicts(top1)
    cells = suite(table[:, own], {f"r{k}": table[:, k] for k in range(6) if k != own})
    found = of(evaluate_suite("systematic", cells))
    assert found["worst_drop"].estimate.value == pytest.approx(top1[own] - WORST[row], abs=1e-9)
    assert found["pipeline_std"].estimate.value == pytest.approx(RESIZERS[row][2], rel=0.01)


def judged(stress: str, right: np.ndarray, **more: object) -> pl.DataFrame:
    given = {
        "pipeline": f"pipeline({stress})",
        "variant": "",
        "pred": pl.Series(1 - right.astype(int)),
    }
    return records(stress=stress, correct=pl.Series(right.astype(bool)), **{**given, **more})


def suite(
    own: np.ndarray,
    others: Mapping[str, np.ndarray],
    factors: Mapping[str, Sequence[str]] | None = None,
) -> SuiteCells:
    """Return a suite of ``others`` against a reference that is right on ``own``."""
    return SuiteCells(
        stresses=tuple(others),
        rows={stress: judged(stress, right) for stress, right in others.items()},
        clean=judged("clean", own, pipeline=OWN),
        factors=factors or {},
    )


def of(results: Sequence[SuiteResult], variant: str = "") -> dict[str, SuiteResult]:
    return {one.definition.name: one for one in results if one.variant == variant}


#                 image  1  2  3  4  5  6  7  8
OWN_RIGHT = np.array([1, 1, 1, 1, 1, 1, 0, 0])
NEAREST = np.array([0, 0, 1, 1, 1, 0, 1, 0])
CUBIC = np.array([1, 1, 1, 1, 0, 1, 0, 0])
DECODED = np.array([1, 1, 1, 1, 1, 1, 1, 0])
FACTORS = {"resize": ["nearest", "cubic"], "decode": ["decoded"]}
HAND = suite(OWN_RIGHT, {"nearest": NEAREST, "cubic": CUBIC, "decoded": DECODED}, FACTORS)


def test_every_metric_by_hand() -> None:
    """Three pipelines and eight images; drops of 2, 1 and -1 images."""
    found = of(evaluate_suite("systematic", HAND))
    value = {name: one.estimate.value for name, one in found.items()}
    top1 = np.array([6, 4, 5, 7]) / 8 * 100
    assert value["pipeline_mean"] == pytest.approx(top1.mean())
    assert value["pipeline_std"] == pytest.approx(top1.std(ddof=1))
    assert value["pipeline_std_population"] == pytest.approx(top1.std())
    assert value["worst_drop"] == pytest.approx(25.0)
    assert value["mean_drop"] == pytest.approx((2 + 1 - 1) / 3 / 8 * 100)
    # all four predict alike on images 3, 4 and 8
    assert value["agreement"] == pytest.approx(3 / 8 * 100)
    assert value["flip_probability"] == pytest.approx((4 + 1 + 1) / 24 * 100)
    # nearest changes four verdicts of eight
    assert value["detectable_drop"] == pytest.approx(100 * min(1, np.sqrt(7.84 * 4) / 8))
    assert {one.estimate.n for one in found.values() if one.estimate.value is not None} == {8}


def test_a_factor_is_a_suite_of_its_own() -> None:
    """Rows of each factor beside those of the whole; with one factor only the whole."""
    results = evaluate_suite("systematic", HAND)
    assert {one.variant for one in results} == {"", "factor=resize", "factor=decode"}
    resize, decode = of(results, "factor=resize"), of(results, "factor=decode")
    assert resize["worst_drop"].estimate.value == pytest.approx(25.0)
    assert resize["mean_drop"].estimate.value == pytest.approx(3 / 16 * 100)
    assert decode["worst_drop"].estimate.value == pytest.approx(-12.5)
    assert decode["agreement"].estimate.value == pytest.approx(87.5)
    alone = evaluate_suite("systematic", replace(HAND, factors={"resize": ["nearest", "cubic"]}))
    assert {one.variant for one in alone} == {""}
    absent = replace(HAND, factors={**FACTORS, "ceil": ["ceil"]})
    assert {one.variant for one in evaluate_suite("systematic", absent)} == {
        one.variant for one in results
    }


def test_every_variant_of_a_stress_is_a_pipeline() -> None:
    """One stress with two variants counts as two pipelines."""
    both = pl.concat(
        judged("resample", right, variant=variant)
        for variant, right in (("side=24", NEAREST), ("side=48", CUBIC))
    )
    cells = replace(HAND, stresses=("resample",), rows={"resample": both}, factors={})
    found = of(evaluate_suite("systematic", cells))
    assert found["pipeline_mean"].estimate.value == pytest.approx((6 + 4 + 5) / 24 * 100)
    assert found["worst_drop"].estimate.value == pytest.approx(25.0)


def test_only_images_that_every_pipeline_judged_count() -> None:
    """Image 1 failed under one pipeline: nobody has it."""
    rows = {**HAND.rows, "cubic": HAND.rows["cubic"].filter(pl.col("sample") != "s0")}
    found = of(evaluate_suite("systematic", replace(HAND, rows=rows)))
    assert found["worst_drop"].estimate.n == 7
    assert found["worst_drop"].estimate.value == pytest.approx(100 / 7)
    assert found["agreement"].estimate.value == pytest.approx(300 / 7)


def test_kl_and_ranks_are_means_over_images_and_pipelines() -> None:
    """Columns against the reference; the reference itself is no pipeline here."""
    rows = {
        "a": judged("a", OWN_RIGHT, kl_ref=[0.1] * 8, zipf_ref=[0.5] * 8),
        "b": judged("b", OWN_RIGHT, kl_ref=[0.3] * 7 + [1.1], zipf_ref=[0.0] * 8),
    }
    found = of(
        evaluate_suite("systematic", replace(HAND, stresses=("a", "b"), rows=rows, factors={}))
    )
    assert found["mean_kl"].estimate.value == pytest.approx((0.8 + 2.1 + 1.1) / 16, rel=1e-6)
    assert found["zipf_distance"].estimate.value == pytest.approx(0.25)
    ends = found["mean_kl"].estimate
    assert ends.low is not None
    assert ends.high is not None
    assert 0 <= ends.low < 0.25 < ends.high


def test_what_cannot_be_measured_says_why() -> None:
    """No pipeline, no clean images, no common image, no changed verdict."""
    none = of(evaluate_suite("systematic", replace(HAND, rows={}, factors={})))
    assert none["worst_drop"].reason == "no other pipeline was judged"
    unjudged = of(evaluate_suite("systematic", replace(HAND, clean=None, factors={})))
    assert "not judged as they are" in unjudged["agreement"].reason
    apart = {s: r.filter(pl.col("sample") == f"s{k}") for k, (s, r) in enumerate(HAND.rows.items())}
    nothing = of(evaluate_suite("systematic", replace(HAND, rows=apart, factors={})))
    assert "no image was judged under every pipeline" in nothing["pipeline_std"].reason
    same = of(evaluate_suite("systematic", suite(OWN_RIGHT, {"a": OWN_RIGHT})))
    assert same["detectable_drop"].estimate.value is None
    assert same["worst_drop"].estimate.value == 0.0
    ends = same["pipeline_std"].estimate
    assert (ends.value, ends.low) == (0.0, 0.0)
    assert ends.high is not None
    assert 10 < ends.high < 40


# one changed deployment by itself


def test_metrics_of_one_deployment_by_hand() -> None:
    """Nearest: four predictions change, three lost and one gained."""
    rows = judged("nearest", NEAREST, kl_ref=[0.25] * 4 + [0.75] * 4)
    clean = judged("clean", OWN_RIGHT, pipeline=OWN)
    given = {
        name: METRICS[name].function(rows, clean) for name in ("agreement", "mean_kl", "mcnemar_p")
    }
    assert given["agreement"].value == 50.0
    assert given["mean_kl"].value == 0.5
    assert given["mcnemar_p"].value == exact_mcnemar(3, 1) == 0.625
    assert log(given["mcnemar_p"].value) < 0


@pytest.mark.parametrize("name", ["agreement", "mean_kl", "mcnemar_p"])
def test_they_are_about_changed_deployments_alone(name: str) -> None:
    """Files read another way or another network; corruptions and sequences have none of them."""
    clean = judged("clean", OWN_RIGHT, pipeline=OWN, kl_ref=[0.0] * 8)
    function = METRICS[name].function
    assert function(judged("fog(severity=1)", NEAREST, pipeline=OWN), clean) is None
    assert function(clean, clean) is None
    changed = judged(
        "fp16", NEAREST, pipeline=OWN, modifier="precision(dtype=fp16)", kl_ref=[0.5] * 8
    )
    assert function(changed, clean).value is not None
    frames = judged("translate", NEAREST, frames_pred=[[1, 2]] * 8)
    assert function(frames, clean) is None


def test_several_variants_together_have_no_single_p() -> None:
    """Verdicts of one image would pair with themselves."""
    both = pl.concat(
        judged("resample", right, variant=variant)
        for variant, right in (("side=24", NEAREST), ("side=48", CUBIC))
    )
    clean = judged("clean", OWN_RIGHT, pipeline=OWN)
    assert METRICS["mcnemar_p"].function(both, clean) is None
    assert METRICS["agreement"].function(both, clean).value == pytest.approx(100 * 11 / 16)
