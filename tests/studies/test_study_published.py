from __future__ import annotations

from typing import Any

import pytest

from roadworthy.models.lists import lists
from roadworthy.report.beside import published_rows
from roadworthy.studies.published import beside, beside_survey, published, read_offs
from roadworthy.suites import resolve

AT = "ares55/resnet50_at(checkpoint='w.pth')"


def row(model: str, stress: str, metric: str, value: float | None, **more: Any) -> dict[str, Any]:
    key = {"model": model, "data": "val", "stress": stress, "variant": "", "metric": metric}
    rest = {"source": None, "unit": "percent", "value": value, "low": 30.0, "high": 40.0, "n": 900}
    return {**key, **rest, **more}


def test_every_figure_is_of_a_member_and_inside_its_band() -> None:
    known = {f"{name}/{member.key}" for name, one in lists().items() for member in one.members}
    for one in published():
        assert one.member in known
        assert one.low < one.value < one.high
        assert one.images in (1000, 5000, 50_000)
        assert one.source


def test_a_thousand_images_leave_three_points_and_fifty_thousand_half_a_point() -> None:
    found = {(one.member, one.stress, one.images): one for one in published()}
    attacked = found["ares55/convnext_base_at", "autoattack(eps=4/255)", 1000]
    assert attacked.value == 56.8
    assert attacked.high - attacked.low == pytest.approx(2 * 1.96 * 1.566, rel=0.02)
    clean = found["survey18/vgg16", "clean", 50_000]
    assert clean.value == 71.5
    assert clean.high - clean.low < 0.8


def test_strength_order_of_the_published_table_holds() -> None:
    names = ("fgsm(eps=4/255)", "pgd(eps=4/255, steps=100, step=1/255)", "autoattack(eps=4/255)")
    table: dict[str, dict[str, float]] = {}
    for one in published():
        if one.images == 1000 and one.metric == "robust_top1":
            table.setdefault(one.member, {})[one.stress] = one.value
    assert len(table) == 12
    for member, values in table.items():
        assert values[names[0]] > values[names[1]] > values[names[2]], member


def test_the_figures_are_of_the_stresses_of_the_suite() -> None:
    suite = {one.spec for one in resolve(["ares"])[0]}
    assert {one.stress for one in published() if one.metric == "robust_top1"} <= suite


def test_rows_of_the_same_model_and_stress_get_their_figure() -> None:
    rows = [
        row(AT, "autoattack(eps=4/255)", "robust_top1", 35.0, source=AT),
        row(AT, "autoattack(eps=8/255)", "robust_top1", 20.0),
        row(AT, "autoattack(eps=4/255)", "top1", 35.0),
        row(AT, "fgsm(eps=4/255)", "robust_top1", None),
        row(AT, "fgsm(eps=4/255)", "robust_top1", 60.0, source="ares55/swin_base_at"),
        row("timm/resnet50", "autoattack(eps=4/255)", "robust_top1", 0.0),
        row("survey18/vgg19", "clean", "top1", 70.9),
        row("not a ( spec", "clean", "top1", 70.9),
    ]
    found = beside(rows)
    assert [(e["model"], e["stress"], e["published"]["value"]) for e in found] == [
        (AT, "autoattack(eps=4/255)", 34.1),
        ("survey18/vgg19", "clean", 71.1),
    ]
    assert found[0]["measured"] == {"value": 35.0, "low": 30.0, "high": 40.0, "n": 900}
    assert found[0]["published"]["images"] == 1000


def studied(model: str, spec: str, statistic: str, y: float | None, **more: Any) -> dict[str, Any]:
    point = {"model": model, "y": y, "n": 90}
    key = {"data": "val", "stress": spec, "variant": "", "unit": "L2 per element"}
    return {**key, "statistic": statistic, "points": [point], **more}


def test_changes_read_off_figures_stand_beside_those_of_the_survey() -> None:
    suite = [one.spec for one in resolve(["survey(budget=paper)"])[0]]
    search, descent, score = (
        next(one for one in suite if one.startswith(name) and "random" in one)
        for name in ("eps_search", "carlini_wagner", "clever")
    )
    several = descent.replace("random", "[random, second]")
    model = "survey18/alexnet"
    found = beside_survey(
        [
            studied(model, descent, "mean", 2e-5),
            studied(model, descent, "median", 2e-5),
            studied(model, several, "mean", 2e-5, variant="target=second"),
            studied(model, several, "mean", 3e-5, variant="target=random"),
            studied(model, search, "mean", 0.04),
            studied(model, score, "mean", 9e-6),
            studied("survey18/vgg16", score, "mean", None),
            studied("survey18/inception_v1", score, "mean", 9e-6),
            studied("timm/alexnet", score, "mean", 9e-6),
        ]
    )
    assert [e["published"]["value"] for e in found] == [1.1e-5, 1.1e-5, 3.5e-2, 8e-6]
    assert {e["metric"] for e in found} == {"mean change, L2 per element"}
    assert found[0]["measured"] == {"value": 2e-5, "low": None, "high": None, "n": 90}
    (shown,) = published_rows({"reference": found[:1]})
    assert (shown.measured.text, shown.published.text, shown.verdict) == ("2e-05", "1.1e-05", "")
    quick = [one.spec for one in resolve(["survey(budget=quick)"])[0]]
    searched = [studied(model, one, "mean", 1e-5) for one in quick]
    assert [e["stress"] for e in beside_survey(searched)] == [one for one in quick if "bim" in one]


def test_what_was_read_off_is_of_members_and_of_the_size_of_such_changes() -> None:
    known = {f"{name}/{member.key}" for name, one in lists().items() for member in one.members}
    assert {member for member, _, _ in read_offs()} <= known
    for (_, spec, _), (value, source) in read_offs().items():
        assert (1e-3 < value < 0.1) if spec.startswith("eps_search") else (1e-6 < value < 2e-5)
        assert source
    shown = {
        m.partition("/")[2]: v for (m, spec, _), (v, _) in read_offs().items() if "bim" in spec
    }
    first = ("alexnet", "vgg19", "resnet_v2_152", "inception_resnet_v2")
    last = ("mobilenet_v1_050", "densenet121", "nasnet_large")
    assert [shown[key] for key in first + last] == [0.035, 0.027, 0.015, 0.015, 0.005, 0.007, 0.01]


def test_models_measured_twice_elsewhere_have_both_figures() -> None:
    found = beside([row("ares55/swin_base_at", "autoattack(eps=4/255)", "robust_top1", 57.0)])
    assert sorted(e["published"]["value"] for e in found) == [56.16, 57.3]
