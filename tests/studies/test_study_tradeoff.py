from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from roadworthy.studies.groups import About, about
from roadworthy.studies.scores import scores_of, tradeoff
from roadworthy.studies.tradeoff import Score, correlations, pairs, spearman

NETS = "torch:nets.py"


def row(model: str, stress: str, metric: str, value: float | None, **more: Any) -> dict[str, Any]:
    known = {"data": "d", "source": None, "variant": "", "low": None, "high": None}
    if value is not None:
        known |= {"low": value - 1, "high": value + 1}  # type: ignore[dict-item]
    return {"model": model, "stress": stress, "metric": metric, "value": value, **known, **more}


def score(kind: Any, metric: str, values: dict[str, float], width: float = 1.0) -> Score:
    return Score(kind, metric, metric, {m: (v, v - width, v + width) for m, v in values.items()})


def test_spearman_is_scipys_ties_included() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.integers(0, 6, (2, 12))
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_members_of_a_list_are_what_the_list_says() -> None:
    found = about("ares55/resnet152_fd(checkpoint='w.pth')", {"training": "whatever"})
    assert (found.architecture, found.family, found.group) == ("resnet152", "resnet", "at")
    assert about("ares55/swin_base_21k").group == "21k"
    assert about("ares55/vit_base_mae").group == "ssl"
    assert about("ares55/resnet50_at [bf16]").group == "at"


@pytest.mark.parametrize(
    ("model", "facts", "architecture", "group"),
    [
        ("timm/resnet50.a1_in1k(pretrained=true)", {"training": "a1_in1k"}, "resnet50", "normal"),
        (f"{NETS}:resnet20(training=at)", {"training": "at"}, "resnet20", "at"),
        (f"{NETS}:resnet20", {"training": "Adversarial (PGD-7)"}, "resnet20", "at"),
        (f"{NETS}:resnet20", {"training": "static data"}, "resnet20", "normal"),
        (f"{NETS}:resnet20", {"training": "non-adversarial"}, "resnet20", "normal"),
        ("timm/convnext_base.fb_in22k_ft_in1k", {"pretraining": "in22k"}, "convnext_base", "21k"),
        ("wrapped/net@0123abcd", {"training": "at"}, "net", "at"),
        (
            f"eot(quantized({NETS}:resnet20(checkpoint=a), bits=4), n=3)",
            {"training": "at"},
            "eot(quantized(resnet20, bits=4), n=3)",
            "at",
        ),
        (f"modified({NETS}:resnet20, ceil_mode)", None, "modified(resnet20, ceil_mode)", "normal"),
        (
            "bpda(ares55/vit_base_mae, jpeg_compression(quality=75))",
            {"training": "ssl"},
            "bpda(vit_base, jpeg_compression(quality=75))",
            "ssl",
        ),
        (f"ensemble(timm/a.x, {NETS}:b)", {"training": "at"}, "ensemble(a, b)", "at"),
        ("not a ( spec", None, "not a ( spec", "normal"),
    ],
)
def test_what_other_models_are_follows_from_their_facts(
    model: str, facts: dict[str, str] | None, architecture: str, group: str
) -> None:
    found = about(model, facts)
    assert (found.architecture, found.group) == (architecture, group)


def test_a_wrapped_network_is_of_the_family_inside() -> None:
    assert (
        about("quantized(ares55/vit_base_mae, bits=4)").family
        == about("ares55/vit_base_mae").family
    )
    assert about("quantized(torch:nets.py:resnet20, bits=4)").family == "resnet20"
    assert about("quantized(torch:nets.py:resnet20, bits=4)", {"family": "f"}).family == "f"


def test_pairs_go_from_normal_to_adversarial_inside_an_architecture() -> None:
    models = [
        About("a-at", "a", "f", "at"),
        About("a", "a", "f", "normal"),
        About("a-21k", "a", "f", "21k"),
        About("b", "b", "f", "normal"),
        About("a-sota", "a", "f", "at"),
    ]
    found = pairs(models, [])
    assert [(p.before.model, p.after.model) for p in found] == [
        ("a", "a-21k"),
        ("a", "a-at"),
        ("a", "a-sota"),
        ("a-21k", "a-at"),
        ("a-21k", "a-sota"),
    ]


def test_a_change_is_positive_where_it_is_better() -> None:
    models = [About("a", "a", "f", "normal"), About("b", "a", "f", "at")]
    clean = score("natural", "top1", {"a": 76.0, "b": 67.0})
    error = score("natural", "mce", {"a": 80.0, "b": 90.0})
    robust = score("adversarial", "robust_top1", {"a": 0.0, "b": 34.0})
    close = score("adversarial", "curve_area", {"a": 10.0, "b": 11.0})
    gone = score("adversarial", "worst_case_area", {"a": 10.0})
    changes = pairs(models, [clean, error, robust, close, gone])[0].changes
    assert [c.change for c in changes] == [-9.0, -10.0, 34.0, 1.0, None]
    assert [c.clear for c in changes] == [True, True, True, False, False]


def test_groups_are_never_pooled() -> None:
    # inside each group the two scores disagree; together they would agree
    normal = {f"n{i}": (70.0 + i, 10.0 - i) for i in range(4)}
    robust = {f"r{i}": (80.0 + i, 40.0 - i) for i in range(4)}
    both = {**normal, **robust}
    models = [About(m, m, "f", "at" if m in robust else "normal") for m in both]
    natural = score("natural", "top1", {m: v[0] for m, v in both.items()})
    adversarial = score("adversarial", "robust_top1", {m: v[1] for m, v in both.items()})
    found = correlations(models, [natural, adversarial])
    assert [(c.group, c.n) for c in found] == [
        ("adversarially trained", 4),
        ("not adversarially trained", 4),
    ]
    assert [c.rho for c in found] == pytest.approx([-1.0, -1.0])
    assert spearman([v[0] for v in both.values()], [v[1] for v in both.values()]) > 0.4


def test_a_lower_error_counts_as_better_in_a_correlation() -> None:
    models = [About(m, m, "f", "normal") for m in "abcde"]
    error = score("natural", "mce", dict(zip("abcde", [90.0, 80, 70, 60, 65], strict=True)))
    robust = score("adversarial", "robust_top1", dict(zip("abcde", [1.0, 2, 3, 4, 5], strict=True)))
    (one,) = correlations(models, [error, robust])
    assert one.rho == pytest.approx(0.9)
    assert one.low is not None
    assert one.high is not None
    assert -1 < one.low < 0.9 < one.high < 1


def test_too_few_models_say_so() -> None:
    models = [About(m, m, "f", g) for m, g in (("a", "at"), ("b", "normal"), ("c", "normal"))]
    natural = score("natural", "top1", {"a": 1.0, "b": 2.0, "c": 3.0})
    robust = score("adversarial", "robust_top1", {"a": 1.0, "b": 2.0, "c": 3.0})
    found = correlations(models, [natural, robust])
    assert [c.rho for c in found] == [None, None]
    assert "needs 3 models; 1 model of this group" in found[0].reason
    assert "2 models of it have" in found[1].reason
    same = score("adversarial", "robust_top1", dict.fromkeys("abc", 0.0))
    others = [About(m, m, "f", "normal") for m in "abc"]
    assert "the same for all" in correlations(others, [natural, same])[0].reason


def test_scores_are_read_from_the_rows_of_a_summary() -> None:
    rows = []
    for model, clean, robust in (("m", 90.0, 1.0), ("n", 80.0, 30.0)):
        rows += [
            row(model, "clean", "top1", clean),
            row(model, "clean", "ece", 3.0),
            row(model, "imagenet_c", "mce", 70.0),
            row(model, "fog(severity=1..5)", "mean_error", 40.0),
            row(model, "fog(severity=1..5)", "top1", 40.0, variant="severity=1"),
            row(model, "snow(severity=3)", "top1", 55.0, variant="severity=3"),  # of some suite
            row(model, "pgd(eps=4/255)", "robust_top1", robust),
            row(model, "pgd(eps=4/255)", "top1", robust),
            row(model, "pgd(eps=4/255)", "robust_top1", 50.0, source="other"),
            row(model, "fmn", "curve_area", None),
        ]
    found = scores_of(rows)
    assert [(s.kind, s.label) for s in found] == [
        ("natural", "top1 · clean"),
        ("natural", "mce · imagenet_c"),
        ("natural", "mean_error · fog(severity=1..5)"),
        ("adversarial", "robust_top1 · pgd(eps=4/255)"),
    ]
    assert found[3].values == {"m": (1.0, 0.0, 2.0), "n": (30.0, 29.0, 31.0)}


def test_corruptions_at_one_severity_are_natural_scores_where_nothing_else_quotes_them() -> None:
    rows = []
    for model in ("m", "n"):
        rows += [
            row(model, "snow(severity=3)", "top1", 55.0, variant="severity=3"),
            row(model, "fog(severity=[1, 2])", "top1", 40.0, variant="severity=1"),
            row(model, "fog(severity=[1, 2])", "top1", 30.0, variant="severity=2"),
        ]
    rows.append(row("z", "snow(severity=3)", "top1", None))  # none of its images could be used
    assert [(s.kind, s.label) for s in scores_of(rows)] == [("natural", "top1 · snow(severity=3)")]
    suite = [row(m, "imagenet_c(severity=3)", "top1", 50.0) for m in ("m", "n")]
    assert scores_of([*rows, *suite]) == []
    mean = [row(m, "frost(severity=1..5)", "mean_error", 50.0) for m in ("m", "n")]
    assert [s.metric for s in scores_of([*rows, *mean])] == ["mean_error"]


def test_the_entry_of_the_summary_has_pairs_and_the_reason_for_what_is_missing() -> None:
    normal, at = f"{NETS}:resnet20(checkpoint=a)", f"{NETS}:resnet20(checkpoint=b)"
    rows = [
        row(normal, "clean", "top1", 92.0),
        row(at, "clean", "top1", 80.0),
        row(normal, "pgd", "robust_top1", 0.0),
        row(at, "pgd", "robust_top1", 45.0),
    ]
    found = tradeoff(rows, {at: {"training": "at"}})
    (pair,) = found["pairs"]
    assert (pair["architecture"], pair["before"]["model"], pair["after"]["model"]) == (
        "resnet20",
        normal,
        at,
    )
    assert [c["change"] for c in pair["changes"]] == [-12.0, 45.0]
    assert all("needs 3 models" in c["reason"] for c in found["correlations"])
    assert tradeoff(rows[:2], {}) == {}
    assert tradeoff(rows, {}) == {}  # the same training twice
