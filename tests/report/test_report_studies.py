from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from report_fakes import FakeView

from roadworthy.report.beside import published_rows
from roadworthy.report.called import called
from roadworthy.report.html import render
from roadworthy.report.surveys import survey_figures, survey_tables
from roadworthy.report.tradeoffs import tradeoff_figures, tradeoff_tables

EVIL = "torch:<script>alert(1)</script>.py:net"


def summary(**more: Any) -> dict[str, Any]:
    """Return a summary with a survey of four models, one of which has an evil name."""
    models = ["timm/a", "timm/b", "timm/c", EVIL]
    points = [
        {
            "model": model,
            "accuracy": 0.5 + 0.1 * i,
            "x": -0.7 - 0.3 * i,
            "y": 0.03 - 0.005 * i,
            "success": 1.0,
            "n": 50,
            "frontier": i != 1,
            "leverage": 0.5,
            "stands_out": i == 3,
        }
        for i, model in enumerate(models)
    ]
    line = {
        "over": "all models",
        "models": models,
        "slope": 0.0166,
        "intercept": 0.041,
        "r2": 0.987,
        "images": [0.01, 0.02],
        "resampled": [None, None],
        "left_out": {"timm/a": 0.011, "timm/b": 0.022, "timm/c": None},
        "reason": "",
    }
    none = {**line, "over": "the frontier", "models": models[:2], "slope": None}
    none["reason"] = "a line needs 3 models, there are 2"
    survey = {
        "data": "d",
        "stress": "fmn(norm=Linf)",
        "variant": "",
        "precision": "fp32",
        "norm": "Linf",
        "unit": "Linf, pixels in 0 to 1",
        "statistic": "median",
        "points": points,
        "fits": [line, none],
    }
    values = {m: [50.0 + i, 49.0, 51.0] for i, m in enumerate(models)}
    scores = [
        {"kind": "natural", "label": "top1 · clean", "metric": "top1", "values": values},
        {
            "kind": "adversarial",
            "label": "robust_top1 · pgd",
            "metric": "robust_top1",
            "values": values,
        },
    ]
    change = [
        {"score": "top1 · clean", "change": -9.0, "clear": True},
        {"score": "robust_top1 · pgd", "change": 0.04, "clear": False},
    ]
    tradeoff = {
        "models": [
            {
                "model": m,
                "architecture": "a",
                "family": "f",
                "group": "at" if m == EVIL else "normal",
            }
            for m in models
        ],
        "scores": scores,
        "pairs": [
            {
                "architecture": "a",
                "before": {"model": "timm/a"},
                "after": {"model": EVIL},
                "changes": change,
            }
        ],
        "correlations": [
            {
                "group": "adversarially trained",
                "natural": "top1 · clean",
                "adversarial": "robust_top1 · pgd",
                "n": 1,
                "rho": None,
                "low": None,
                "high": None,
                "reason": "a rank correlation needs 3 models",
            },
            {
                "group": "not adversarially trained",
                "natural": "top1 · clean",
                "adversarial": "robust_top1 · pgd",
                "n": 3,
                "rho": 0.5,
                "low": -0.25,
                "high": 0.875,
                "reason": "",
            },
        ],
    }
    reference = {
        "model": EVIL,
        "data": "d",
        "stress": "pgd",
        "variant": "",
        "metric": "robust_top1",
        "unit": "percent",
        "measured": {"value": 40.0, "low": 37.0, "high": 43.0, "n": 100},
        "published": {
            "value": 45.0,
            "low": 44.0,
            "high": 46.0,
            "images": 1000,
            "source": "a <b>bold</b> claim",
        },
    }
    return {
        "schema": 1,
        "run": {},
        "rows": [],
        "per_class": [],
        "unavailable": [],
        "survey": [survey],
        "tradeoff": tradeoff,
        "reference": [reference],
        **more,
    }


def page(found: dict[str, Any]) -> str:
    return render(FakeView(Path("nowhere"), found))


def test_the_page_has_every_model_and_every_line_of_the_survey() -> None:
    text = page(summary())
    assert 'id="survey"' in text
    assert "fmn(norm=Linf)" in text
    assert '<td class="num">0.0166</td><td class="num">[0.01, 0.02]</td>' in text
    assert "no line: a line needs 3 models, there are 2" in text
    assert "0.011 without a to 0.022 without b" in text
    assert text.count("on the frontier") >= 3
    assert "stands out" in text


def test_what_comes_from_outside_is_escaped() -> None:
    text = page(summary())
    assert "<script>alert" not in text
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold&lt;/b&gt; claim, 1000 images" in text


def test_the_chart_of_the_survey_has_dots_and_the_line_it_was_given() -> None:
    (survey,), (tradeoff,) = survey_figures(summary()), tradeoff_figures(summary())
    points = survey.spec["datasets"]["points"]
    (dot,) = ((p["x"], p["value"]) for p in points if p["label"] == "b")
    assert dot == pytest.approx((-1.0, 0.025))
    assert {p["series"] for p in points} == {"on the frontier", "not on the frontier"}
    ends = survey.spec["datasets"][survey.spec["layer"][0]["data"]["name"]]
    assert ends[0]["value"] == pytest.approx(0.041 + 0.0166 * ends[0]["x"])
    assert (ends[0]["x"], ends[1]["x"]) == pytest.approx((-1.6, -0.7))
    assert {p["series"] for p in tradeoff.spec["datasets"]["points"]} == {
        "normally trained",
        "adversarially trained",
    }


def test_changes_have_a_sign_and_those_that_are_clear_are_bold() -> None:
    found = tradeoff_tables(summary())
    assert found is not None
    assert found.pairs[0][3] == [("−9.0", True), ("0.0", False)]
    assert found.correlations[0][4] == "n/a: a rank correlation needs 3 models"
    assert found.correlations[1][4:] == ("0.500", "[-0.250, 0.875]")
    assert "<b>−9.0</b>" in page(summary())


def test_what_a_whole_group_lacks_is_said_once() -> None:
    found = summary()
    missing, known = found["tradeoff"]["correlations"]
    found["tradeoff"]["correlations"] = [missing, missing, known, known]
    made = tradeoff_tables(found)
    assert made is not None
    assert [one[:3] for one in made.correlations] == [
        ("adversarially trained", "each", "each"),
        *[("not adversarially trained", "top-1 %, clean", "robust top-1 %, pgd")] * 2,
    ]
    assert made.correlations[0][4] == "n/a: a rank correlation needs 3 models"
    other = {**missing, "reason": "one of the scores is the same for all models"}
    found["tradeoff"]["correlations"] = [missing, other]
    made = tradeoff_tables(found)
    assert made is not None
    assert len(made.correlations) == 2


def test_published_figures_stand_beside_measured_ones() -> None:
    (one,) = published_rows(summary())
    assert (one.measured.full, one.published.full) == ("40.0 [37.0, 43.0]", "45.0 [44.0, 46.0]")
    assert one.verdict == "bands apart"
    near = summary()
    near["reference"][0]["measured"]["high"] = 44.5
    assert published_rows(near)[0].verdict == "bands overlap"


def test_models_are_called_by_architecture_and_training_where_that_is_enough() -> None:
    a, b = "torch:n.py:net(checkpoint=a)", "torch:n.py:net(checkpoint=b)"
    told = {"run": {"models": [{"spec": b, "training": "at"}]}}
    assert called(told, [a, b]) == {a: "net", b: "net (at)"}
    assert called(told, [a, f"{b} [bf16]"]) == {a: "net", f"{b} [bf16]": "net (at) [bf16]"}
    assert called({}, [a, b]) == {a: "net (a)", b: "net (b)"}
    other, evil = "torch:n.py:deep(checkpoint=a)", "timm/net (a)"
    assert called({}, [a, other, b]) == {a: "net (a)", other: "deep", b: "net (b)"}
    assert len(set(called({}, [a, b, evil]).values())) == 3


def test_without_studies_there_is_no_section() -> None:
    text = page({**summary(), "survey": [], "tradeoff": {}, "reference": []})
    for name in ("survey", "tradeoff", "published"):
        assert f'id="{name}"' not in text


def test_a_damaged_summary_still_makes_a_page() -> None:
    def broken(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: broken(one) for key, one in value.items()}
        if isinstance(value, list):
            return [broken(one) for one in value]
        return "damaged" if isinstance(value, int | float) else None

    found = summary()
    parts = {key: broken(found[key]) for key in ("survey", "tradeoff", "reference")}
    assert page({**found, **parts})
    wrongs: list[Any] = [None, 7, "text", [7], [{}], {"scores": 3}]
    for wrong in wrongs:
        for key in ("survey", "tradeoff", "reference"):
            text = page({**found, key: wrong})
            assert re.search(r"</html>\s*$", text)
    assert (survey_tables({}), tradeoff_tables({}), published_rows({})) == ([], None, [])


def test_a_table_says_on_which_data_only_where_there_are_several() -> None:
    found = summary()
    assert survey_tables(found)[0].title == "fmn(norm=Linf)"
    other = {**found["survey"][0], "data": "e"}
    titles = [one.title for one in survey_tables({"survey": [found["survey"][0], other]})]
    assert titles == ["fmn(norm=Linf) on d", "fmn(norm=Linf) on e"]
