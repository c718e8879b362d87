"""The survey and its matrix on four CIFAR-10 networks, one of them trained adversarially."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import polars as pl
import pytest

import roadworthy as rw

pytestmark = [pytest.mark.shared, pytest.mark.slow]

NETS = Path(__file__).resolve().parents[1] / "models" / "cifar_resnet.py"
FILES = (
    ("resnet20", "cifar10_resnet20.th"),
    ("resnet32", "cifar10_resnet32.th"),
    ("resnet44", "cifar10_resnet44.th"),
    ("resnet20", "cifar10_resnet20_at.pt"),
)
TRAINED = 3
"""Which of them was trained adversarially."""

SEARCH = "eps_search(bim(eps=0.02, steps=50), target=random, attempts=9)"
NOTHING = "fgsm(eps=0.0, target=random)"
FEW = 4
MORE = 16


def _given(shared: Path) -> tuple[list[str], str]:
    data = f"parquet:{shared / 'data' / 'cifar10_test.parquet'}"
    told = "mean=imagenet, std=imagenet, size=32"
    folder = shared / "models"
    return [
        f"torch:{NETS}:{name}(checkpoint={folder / file}, {told})" for name, file in FILES
    ], data


def _values(run: rw.Run, metric: str) -> dict[tuple[str, str, str], float]:
    return {
        (row["stress"], row["source"] or row["model"], row["model"]): row["value"]
        for row in run.summary["rows"]
        if row["metric"] == metric
    }


def _models(run: rw.Run) -> list[str]:
    return [str(entry["spec"]) for entry in run.models()]


def test_networks_need_less_change_than_one_that_was_trained_adversarially(
    shared: Path, tmp_path: Path
) -> None:
    given, data = _given(shared)
    run = rw.evaluate(given, data, SEARCH, out=tmp_path / "out", limit=MORE)
    assert {row["stress"] for row in run.summary["rows"]} == {"clean", SEARCH}
    found = _values(run, "median_linf")
    changes = [found[SEARCH, model, model] for model in _models(run)]
    print("median change under Linf:", [round(one, 5) for one in changes])
    assert 0 < max(changes[:TRAINED]) < 0.02
    assert changes[TRAINED] >= 3 * max(changes[:TRAINED])


def test_the_matrix_of_the_survey(shared: Path, tmp_path: Path) -> None:
    given, data = _given(shared)
    stresses = ["survey(budget=quick)", NOTHING]
    run = rw.evaluate(given, data, stresses, out=tmp_path / "out", limit=FEW, transfer=True)
    models, rows = _models(run), run.rows()
    attacks = sorted(set(rows.filter(pl.col("norm").is_not_null())["stress"]) - {NOTHING})
    assert [name.partition("(")[0] for name in attacks] == [
        "carlini_wagner",
        "ead",
        "eps_search",
        "fgsm",
    ]
    rates, accuracy = _values(run, "transfer_rate"), _values(run, "top1")
    pairs = list(product(models, models))
    assert set(rates) == {(s, a, b) for s in [*attacks, NOTHING] for a, b in pairs}
    for source, judge in pairs:  # what changes nothing finds the errors of clean images
        assert rates[NOTHING, source, judge] == 0
        assert accuracy[NOTHING, source, judge] == accuracy["clean", judge, judge]
    smallest = [name for name in attacks if not name.startswith("fgsm")]
    for stress, model in product(smallest, models[:TRAINED]):
        assert rates[stress, model, model] == 100
        for judge in models:
            if judge != model:  # a change that just suffices for one suffices for no other
                assert rates[stress, model, judge] < 100
    scored = rows.filter(pl.col("clever").is_not_null())
    assert set(scored["model"]) == set(models)

    # The diagonal is the white box: the attacks by themselves, that a matrix does not touch.
    again = [name for name in attacks if name.startswith(("fgsm", "eps_search"))]
    alone = rw.evaluate(given, data, again, out=tmp_path / "alone", limit=FEW)
    columns = ["stress", "model", "sample", "status", "success", "pred", "margin", "linf", "target"]
    attacked = pl.col("stress").is_in(again)
    own = rows.filter(attacked & (pl.col("source") == pl.col("model")))
    order = columns[:3]
    mine = own.select(columns).sort(order)
    white = alone.rows().filter(attacked).select(columns).sort(order)
    assert len(mine) == FEW * len(models) * len(again)
    assert mine.equals(white)
