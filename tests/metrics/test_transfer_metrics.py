"""How well inputs travel: counts by hand, the matrix in words and on the page."""

from __future__ import annotations

from typing import Any

import pytest
from metric_records import records

from roadworthy.metrics import evaluate_all
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import wilson
from roadworthy.report import matrix


def _rates(**columns: Any) -> dict[str, Estimate]:
    rows = records(stress="pgd", variant="", norm="Linf", **columns)
    return {d.name: e for d, e in evaluate_all(rows, None) if d.name.startswith("transfer")}


def test_only_attacked_images_count_that_the_judge_has_right() -> None:
    # fooled, held, not attacked (its source was wrong), wrong when clean on the judge
    found = _rates(
        source="a",
        model="b",
        status=["ok", "ok", "ok", "clean_error"],
        success=[True, False, None, None],
        correct=[False, True, True, False],
    )
    rate = found.pop("transfer_rate")
    assert (rate.value, rate.n) == (50.0, 2)
    low, high = wilson(1, 2)
    assert rate.low == pytest.approx(100 * float(low))
    assert rate.high == pytest.approx(100 * float(high))
    assert not found  # untargeted: no match among the top five


def test_a_target_among_the_top_five_is_a_match_but_no_success() -> None:
    found = _rates(
        source="a",
        model="b",
        status=["ok", "ok", "ok", "ok", "clean_error"],
        success=[True, False, False, None, True],
        correct=[False, True, True, True, False],
        target=[3, 3, 3, 3, 3],
        top5=[[3, 1], [1, 3], [1, 2], [1, 3], [3, 1]],
    )
    assert found["transfer_rate"].value == pytest.approx(100 / 3)
    assert found["transfer_rate_top5"].value == pytest.approx(200 / 3)
    assert found["transfer_rate_top5"].n == 3


def test_where_nothing_was_attacked_there_is_no_rate() -> None:
    assert not _rates(source=None, model="b", status="ok", success=[True], correct=[False])
    none = {"source": "a", "model": "b"}
    assert not _rates(status="ok", success=[None], correct=[True], **none)
    assert not _rates(
        status=["clean_error", "ok"], success=[True, None], correct=[False, True], **none
    )


RATES = {
    ("a1", "a1"): 90.0,
    ("a1", "a2"): 40.0,
    ("a2", "a1"): 60.0,
    ("a2", "a2"): 80.0,
    ("a1", "b"): 10.0,
    ("a2", "b"): 20.0,
}
FAMILIES = {"a1": "a", "a2": "a", "b": "b"}


def _row(source: str | None, model: str, metric: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "data": "d",
        "source": source,
        "stress": "pgd(eps=8/255)",
        "variant": "",
        "metric": metric,
        "unit": "percent",
        "value": value,
        "low": max(0.0, value - 5),
        "high": min(100.0, value + 5),
        "n": 40,
        "failed": 0,
        **more,
    }


def _summary() -> dict[str, Any]:
    clean = [_row(None, m, "top1", 95.0, stress="clean") for m in FAMILIES]
    pairs = [_row(*pair, "transfer_rate", value) for pair, value in RATES.items()]
    return {
        "rows": [*clean, *pairs],
        "run": {"models": [{"spec": m, "family": f} for m, f in FAMILIES.items()]},
        "unavailable": [
            {"model": "b", "data": "d", "stress": "pgd(eps=8/255)", "reason": "needs gradient"}
        ],
    }


def test_the_matrix_has_a_line_a_source_and_means_of_families() -> None:
    (found,) = matrix.matrices(_summary())
    assert list(found.judges) == ["a1", "a2", "b"]
    assert [line.source for line in found.lines] == ["a1", "a2", "b"]
    values = [[r and r.value for r in line.readings] for line in found.lines[:2]]
    assert values == [[90.0, 40.0, 10.0], [60.0, 80.0, 20.0]]
    assert found.lines[2].reason == "needs gradient"
    assert [r and r.value for r in found.clean] == [95.0] * 3
    assert list(found.notes) == [
        "mean over 4 pairs of two models: 32.5",
        "within families: 50.0 over 2 pairs of one family",
        "between families: 15.0 over 2 pairs of two families",
        "asymmetry: one way and back differ by 20.0 points on average",
    ]


def test_long_names_are_numbers_in_the_heads_of_columns() -> None:
    long = {m: f"torch:nets.py:{m}(checkpoint=weights/trained_longer_{m}.pt)" for m in FAMILIES}
    summary = _summary()
    for row in summary["rows"]:
        row |= {"model": long[row["model"]], "source": row["source"] and long[row["source"]]}
    summary["run"]["models"] = [{"spec": spec} for spec in long.values()]
    (found,) = matrix.matrices(summary)
    assert list(found.judges) == ["[1]", "[2]", "[3]"]
    assert [line.source.split()[0] for line in found.lines] == ["[1]", "[2]"]
    assert "a2 (trained_longer_a2)" in found.lines[1].source
    assert [line.own for line in found.lines] == [0, 1]


def test_the_text_names_sources_down_and_judges_across() -> None:
    text = "\n".join(matrix.lines(_summary()))
    assert "pgd(eps=8/255): transfer rate, %" in text
    head, first = text.splitlines()[2:4]
    assert head.split() == ["source", "\\", "judge", "a1", "a2", "b"]
    assert first.split() == ["a1", "90.0", "40.0", "10.0"]
    assert "n/a  b: needs gradient" in text


def test_other_tables_are_about_models_by_themselves() -> None:
    from roadworthy.report import table
    from roadworthy.report.cells import cells

    own = matrix.own_cells(cells(_summary()))
    assert {(c.model, c.source) for c in own if c.axis == "adversarial"} == {
        ("a1", "a1"),
        ("a2", "a2"),
    }
    assert "made on" not in table.lines(_summary())


def test_a_model_that_has_no_attacked_image_right_stays_in_the_matrix_and_is_named() -> None:
    summary = _summary()
    summary["run"]["models"].append({"spec": "z", "family": "f"})
    pairs = [("a1", "z"), ("a2", "z"), ("z", "z"), ("z", "a1"), ("z", "a2"), ("z", "b")]
    summary["rows"] += [_row(*pair, "top1", 0.0) for pair in pairs]
    (found,) = matrix.matrices(summary)
    assert list(found.judges) == ["a1", "a2", "b", "z"]
    assert [[r and r.value for r in line.readings] for line in found.lines if not line.reason] == [
        [90.0, 40.0, 10.0, None],
        [60.0, 80.0, 20.0, None],
        [None] * 4,
    ]
    assert list(found.notes)[-2:] == [
        "z has no image right that was attacked: as a judge it has no rate",
        "of z no image was attacked, or no judge has one of them right",
    ]
    from roadworthy.report import table

    assert "made on" not in table.lines(summary)


def test_a_single_pair_without_a_rate_is_explained() -> None:
    summary = _summary()
    summary["rows"] = [
        {**r, "metric": "top1"} if (r["source"], r["model"]) == ("a1", "b") else r
        for r in summary["rows"]
    ]
    (found,) = matrix.matrices(summary)
    assert found.lines[0].readings[2] is None
    assert (
        found.notes[-1]
        == "there is no rate where a judge has none of a source's attacked images right"
    )


def test_data_without_a_second_model_is_not_named_in_the_titles_of_others() -> None:
    summary = _summary()
    summary["rows"].append(_row("a1", "a1", "robust_top1", 3.0, data="other"))
    (found,) = matrix.matrices(summary)
    assert found.title == "pgd(eps=8/255)"


def test_without_a_second_model_there_is_no_matrix() -> None:
    summary = _summary()
    summary["rows"] = [r for r in summary["rows"] if r["source"] in (None, r["model"])]
    assert matrix.matrices(summary) == []
    assert matrix.lines(summary) == []


def test_a_source_that_fools_nothing_not_even_itself_is_named() -> None:
    rows = [
        _row("a", "a", "transfer_rate", 0.0),
        _row("a", "b", "transfer_rate", 0.0),
        _row("b", "b", "transfer_rate", 10.0),
        _row("b", "a", "transfer_rate", 0.0),
    ]
    (found,) = matrix.fools_nothing(rows)
    assert (found["model"], found["flag"]) == ("a", "fools_nothing")
