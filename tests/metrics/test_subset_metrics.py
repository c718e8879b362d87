"""Metrics of sufficient subsets, by hand."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from metric_records import records

from roadworthy.errors import UsageError
from roadworthy.metrics import METRICS, confidence_curve, evaluate_all, size_by_confidence
from roadworthy.metrics.base import Estimate
from roadworthy.stress._subsets.left import LEFT

ABOUT = {"stress": "sis", "model": "m", "source": "m", "data": "d"}


def subsets(**more: Any) -> pl.DataFrame:
    """Return four images: three with a subset, one that the model is not sure enough of."""
    return records(
        **{
            **ABOUT,
            "variant": "threshold=0.9",
            "status": ["ok", "ok", "ok", "not_applicable"],
            "threshold": 0.9,
            "kept": [0.02, 0.1, 0.04, None],
            "minimal": [0.01, 0.1, 0.02, None],
            "border": [0.5, 1.0, 0.0, None],
            "centre": [0.25, 0.0, 0.5, None],
            "conf_target": [0.91, 0.95, 0.93, None],
            "sufficient": [True, True, True, None],
            "correct": [True, False, True, None],
            **more,
        }
    )


def fixed(**more: Any) -> pl.DataFrame:
    """Return four images of which a twentieth is kept."""
    return records(
        **{
            **ABOUT,
            "variant": "fraction=0.05",
            "fraction": 0.05,
            "kept": [0.05] * 4,
            "correct": [True, True, False, True],
            "conf_target": [0.5, 0.7, 0.9, 0.3],
            **more,
        }
    )


def drawn(**more: Any) -> pl.DataFrame:
    """Return three images with four random subsets each."""
    verdicts = [[True, False, False, False], [False] * 4, [True, True, False, False]]
    return records(
        **{
            **ABOUT,
            "variant": "control=random_subset,fraction=0.05",
            "control": "random_subset",
            "fraction": 0.05,
            "kept": [0.05] * 3,
            "frames_correct": verdicts,
            "frames_pred": [[0] * 4] * 3,
            "frames_conf": [[0.4] * 4] * 3,
            **more,
        }
    )


def value(name: str, *rows: pl.DataFrame) -> Estimate:
    found: Estimate | None = METRICS[name].function(*rows)
    assert found is not None
    assert found.value is not None
    return found


def test_sizes_by_hand() -> None:
    rows = subsets()
    mean = value("sis_size_mean", rows)
    assert mean.value == pytest.approx(16 / 3)
    assert mean.n == 3
    assert mean.low is not None
    assert mean.high is not None
    assert mean.value is not None
    assert 0 <= mean.low < mean.value < mean.high <= 100
    assert value("sis_size_median", rows).value == pytest.approx(4)
    assert value("minimal_size_mean", rows).value == pytest.approx(13 / 3)
    assert value("border_mass", rows).value == pytest.approx(50)
    assert value("centre_mass", rows).value == pytest.approx(25)
    assert value("subset_confidence", rows).value == pytest.approx(93)
    assert value("sufficient_rate", rows).value == pytest.approx(100)
    half = subsets(sufficient=[True, False, False, None])
    assert value("sufficient_rate", half).value == pytest.approx(100 / 3)


def test_sizes_by_what_the_model_says_of_the_whole_image() -> None:
    clean = records(**{**ABOUT, "stress": "clean", "correct": [True, False, False, True]})
    # on its subset the second is wrong as well, but that is not what counts
    assert value("sis_size_correct", subsets(), clean).value == pytest.approx(2)
    assert value("sis_size_wrong", subsets(), clean).value == pytest.approx(7)
    right = clean.with_columns(correct=pl.lit(value=True))
    assert METRICS["sis_size_wrong"].function(subsets(), right) is None


def test_accuracy_on_subsets_and_on_random_ones() -> None:
    assert value("subset_top1", fixed()).value == pytest.approx(75)
    assert METRICS["random_subset_top1"].function(fixed()) is None
    random = value("random_subset_top1", drawn())
    assert random.value == pytest.approx(25)
    assert random.n == 3
    assert METRICS["subset_top1"].function(drawn()) is None
    # a thousand draws of three images are still three images
    assert random.high is not None
    assert random.high - 25 > 20


def test_metrics_of_subsets_are_of_one_variant_and_of_no_control() -> None:
    both = pl.concat([subsets(), fixed()])
    names = [n for n in METRICS if n.startswith(("sis_", "minimal_", "subset_"))]
    for name in ("sis_size_mean", "sis_size_median", "subset_top1", "border_mass"):
        assert name in names or name == "border_mass"
        assert METRICS[name].function(both) is None
    for name in ("sis_size_mean", "minimal_size_mean", "border_mass", "subset_overlap"):
        assert METRICS[name].function(subsets(control="dilated", overlap=0.5)) is None
    assert value("subset_confidence", subsets(control="dilated")).value == pytest.approx(93)
    assert METRICS["sis_size_mean"].function(fixed()) is None


def test_what_two_models_have_in_common() -> None:
    rows = subsets(overlap=[0.5, None, 0.25, None], rank_correlation=[1.0, -0.5, 0.1, None])
    assert value("subset_overlap", rows).value == pytest.approx(37.5)
    assert value("order_correlation", rows).value == pytest.approx(0.2)
    alone = {d.name for d, _ in evaluate_all(subsets(), None)}
    assert not {"subset_overlap", "order_correlation"} & alone


def test_other_records_have_no_metrics_of_subsets() -> None:
    rows = records(correct=[True, False], pred=[0, 1], variant="", conf=[0.5, 0.5])
    names = {d.name for d, _ in evaluate_all(rows, rows.with_columns(stress=pl.lit("clean")))}
    ours = {"sis_size_mean", "subset_top1", "random_subset_top1", "sufficient_rate", "border_mass"}
    assert not ours & names


def test_a_curve_of_confidence_by_hand() -> None:
    points = len(LEFT)
    first = [0.9] + [1.0] * (points - 2) + [0.1]
    second = [0.95] + [0.5] * (points - 3) + [None, 0.2]
    rows = subsets(removal_conf=[first, second, None, None])
    curve = confidence_curve(rows)
    assert [p.at for p in curve] == pytest.approx([100 * left for left in LEFT])
    assert curve[0].estimate.value == pytest.approx(92.5)
    assert curve[5].estimate.value == pytest.approx(75)
    assert curve[-2].estimate.value == pytest.approx(100)
    assert curve[-2].estimate.n == 1
    assert curve[-1].estimate.value == pytest.approx(15)
    with pytest.raises(UsageError, match="needs records of sis"):
        confidence_curve(fixed())
    with pytest.raises(UsageError, match="filter the records by 'model'"):
        confidence_curve(pl.concat([rows, rows.with_columns(model=pl.lit("other"))]))


def test_size_over_confidence_by_hand() -> None:
    clean = records(**{**ABOUT, "stress": "clean", "conf": [0.92, 0.99, 0.94, 0.5]})
    small, large = size_by_confidence(subsets(), clean, groups=2)
    assert small.at == pytest.approx(93)
    assert small.estimate.value == pytest.approx(3)
    assert large.at == pytest.approx(99)
    assert large.estimate.n == 1
    assert large.estimate.value == pytest.approx(10)
    with pytest.raises(UsageError, match="groups must be at least 1"):
        size_by_confidence(subsets(), clean, groups=0)
