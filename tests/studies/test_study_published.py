from __future__ import annotations

from typing import Any

import pytest

from roadworthy.models.lists import lists
from roadworthy.studies.published import beside, published
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


def test_models_measured_twice_elsewhere_have_both_figures() -> None:
    found = beside([row("ares55/swin_base_at", "autoattack(eps=4/255)", "robust_top1", 57.0)])
    assert sorted(e["published"]["value"] for e in found) == [56.16, 57.3]
