"""Overinterpretation of trained CIFAR-10 networks: what the papers found, on other weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import roadworthy as rw
from roadworthy.stress._subsets.removal import Removal, sufficient
from roadworthy.subsets import orders

pytestmark = [pytest.mark.shared, pytest.mark.slow]

NETS = Path(__file__).resolve().parents[1] / "models" / "cifar_resnet.py"
SPEC = (
    "sis(threshold=0.99, schedule=geometric, fractions=(0.05), controls=(random_subset), draws=5, "
    "deletion=0)"
)


def net(shared: Path, depth: int) -> str:
    weights = shared / "models" / f"cifar10_resnet{depth}.th"
    return f"torch:{NETS}:resnet{depth}(checkpoint={weights}, mean=imagenet, std=imagenet, size=32)"


@pytest.fixture(scope="module")
def models(shared: Path) -> dict[str, str]:
    plain, *others = (net(shared, depth) for depth in (20, 32, 44))
    return {
        "plain": plain,
        "dropout": f"input_dropout({plain}, keep=0.8)",
        "ensemble": f"ensemble({', '.join([plain, *others])})",
    }


@pytest.fixture(scope="module")
def run(shared: Path, models: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    data = f"parquet:{shared / 'data' / 'cifar10_test.parquet'}"
    out = tmp_path_factory.mktemp("subsets") / "out"
    return rw.evaluate(list(models.values()), data, SPEC, out=out, limit=40)


def of(run: rw.Run, name: str) -> pl.DataFrame:
    starts = {"plain": "torch:", "dropout": "input_dropout(", "ensemble": "ensemble("}[name]
    rows = run.rows().filter(pl.col("stress").str.starts_with("sis"))
    return rows.filter(pl.col("model").str.starts_with(starts))


def removals(run: rw.Run, name: str) -> dict[str, Removal]:
    return {one.sample: one.removal for one in orders(run, of(run, name))}


def sizes(found: dict[str, Removal], threshold: float) -> dict[str, float]:
    subsets = {name: sufficient(one, threshold) for name, one in found.items()}
    return {name: float(one.kept.mean()) for name, one in subsets.items() if one.found[0]}


def measured(run: rw.Run, metric: str) -> float:
    """Return a metric of the plain network at a twentieth of the pixels."""
    (value,) = (
        row["value"]
        for row in run.summary["rows"]
        if row["metric"] == metric
        and row["model"].startswith("torch:")
        and row["variant"].endswith("fraction=0.05")
    )
    return float(value)


def test_a_twentieth_of_the_pixels_is_enough_unless_they_are_random(run: rw.Run) -> None:
    rows = of(run, "plain").filter(pl.col("variant") == "fraction=0.05")
    plain = pl.col("model").str.starts_with("torch:")
    whole = run.rows().filter(plain, pl.col("stress") == "clean")
    clean = 100 * whole.join(rows.select("sample"), on="sample")["correct"].to_numpy().mean()
    subset, random = (measured(run, metric) for metric in ("subset_top1", "random_subset_top1"))
    assert len(rows) > 20
    assert subset > clean - 30
    assert random < 30  # chance is 10
    assert subset > random + 50


def test_confidence_rises_before_it_collapses(run: rw.Run) -> None:
    curves: list[NDArray[np.float64]] = []
    for one in removals(run, "plain").values():
        values = one.confidence[0].astype(np.float64)
        left = [(one.order >= step).mean() for step in range(len(values))]
        curves.append(np.interp([0.01, 0.05, 0.3, 0.9], left[::-1], values[::-1]))
    at = dict(zip((0.01, 0.05, 0.3, 0.9), np.mean(curves, axis=0), strict=True))
    assert at[0.3] > at[0.9] + 0.1  # of most pixels the model is less sure than of few
    assert at[0.3] > 0.99
    assert at[0.05] > 0.7
    assert at[0.01] < 0.5


def test_higher_thresholds_take_more_pixels_and_no_new_order(
    run: rw.Run, models: dict[str, str], shared: Path
) -> None:
    found = removals(run, "plain")
    at = [sizes(found, threshold) for threshold in (0.7, 0.9, 0.99)]
    sure = [name for name in at[-1] if all(name in one for one in at)]
    means = [np.mean([one[name] for name in sure]) for one in at]
    assert means == sorted(means)
    assert means[-1] > 1.15 * means[0]
    data = f"parquet:{shared / 'data' / 'cifar10_test.parquet'}"
    again = rw.evaluate(
        models["plain"], data, SPEC.replace("0.99", "0.999"), out=run.folder, limit=40
    )
    assert list(again.runs[-1]["crafted"].values()) == [0]
    shown = again.rows().filter(
        pl.col("variant") == "threshold=0.999", pl.col("kept").is_not_null()
    )
    expected = sizes(found, 0.999)
    assert len(shown) == len(expected) > 10
    for name, kept in shown.select("sample", "kept").iter_rows():
        assert kept == pytest.approx(expected[name])


@pytest.mark.parametrize("name", ["dropout", "ensemble"])
def test_the_published_mitigations_make_subsets_larger(run: rw.Run, name: str) -> None:
    plain, other = sizes(removals(run, "plain"), 0.99), sizes(removals(run, name), 0.99)
    both = [sample for sample in plain if sample in other]
    assert len(both) > 5  # with some pixels left out it is sure of few
    assert np.mean([other[s] for s in both]) > 1.2 * np.mean([plain[s] for s in both])


def test_by_slopes_and_then_by_trial_subsets_are_no_larger(
    shared: Path, models: dict[str, str], tmp_path: Path
) -> None:
    data = f"parquet:{shared / 'data' / 'cifar10_test.parquet'}"
    spec = "sis(threshold=0.99, k=8, controls=(), fractions=(0.05), deletion=0)"
    mixed = spec.replace("k=8", "k=8, exact_from=100")
    run = rw.evaluate(models["plain"], data, [spec, mixed], out=tmp_path / "out", limit=6)
    rows = run.rows().filter(pl.col("variant") == "threshold=0.99", pl.col("kept").is_not_null())
    slopes, tried = (
        rows.filter(pl.col("stress").str.contains("exact_from") == there).sort("sample")["kept"]
        for there in (False, True)
    )
    assert len(slopes) == len(tried) >= 3
    assert rows["sufficient"].all()
    assert float(tried.mean()) < 0.9 * float(slopes.mean())  # type: ignore[arg-type]
