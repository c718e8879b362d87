"""Every rule of the verdict: where it must speak, and where it must not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from report_fakes import FakeView

from roadworthy.report.blocks import Heading, Sentences, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.rules.base import RULES, Judged, sentences_of
from roadworthy.report.sections.base import SECTIONS
from roadworthy.report.sentence import Sentence

Row = dict[str, Any]


def row(stress: str, metric: str, value: float | None, *ends: float | None, **more: Any) -> Row:
    """Return a row of a summary; ``ends`` are those of the interval, else one point around it."""
    known = 0.0 if value is None else value
    low, high = ends or (known - 1, known + 1)
    key = {"model": "m", "data": "d", "source": None, "stress": stress, "variant": ""}
    units = {"drop": "points", "median_linf": "none", "t5d": "none"}
    made = {"metric": metric, "unit": units.get(metric, "percent"), "value": value, "n": 900}
    return {**key, **made, "low": low, "high": high, "failed": 0, "version": 1, **more}


CLEAN = row("clean", "top1", 80.0)
FOG = "fog(severity=[1, 5])"
NOISE = "gaussian_noise(severity=[1, 3])"


def judged(*rows: Row, **more: Any) -> Judged:
    run = {"models": [{"spec": "m"}], **more}
    return Judged(Evidence(FakeView(Path(), {"run": run, "rows": list(rows)})), "m", "m")


@dataclass(frozen=True)
class Case:
    """Rows under which a rule speaks, words that it then says, and rows that leave it silent."""

    speaks: list[Row]
    says: list[str]
    silent: list[list[Row]]
    run: Row = field(default_factory=dict)


def dropped(stress: str, lost: float, low: float, high: float, **more: Any) -> list[Row]:
    return [
        row(stress, "top1", 80 - lost, **more),
        row(stress, "drop", lost, low, high, **more),
    ]


CASES = {
    "start": Case([CLEAN], ["m gets 80.0 % [79.0, 81.0] of 900 images right as they are"], [[]]),
    "few_images": Case(
        [row("clean", "top1", 80.0, 70.0, 90.0, n=60)],
        ["60 images are few", "±10 points"],
        [[CLEAN], [row("clean", "top1", 80.0, None, None)], dropped(FOG, 9, 1, 19)],
    ),
    "failed_images": Case(
        [CLEAN, row(FOG, "top1", 70.0, failed=3)], ["3 images could not be judged"], [[CLEAN]]
    ),
    "noise": Case(
        [
            CLEAN,
            *dropped(NOISE, 20.0, 18.0, 22.0),  # over both severities: not quoted
            *dropped(NOISE, 5.0, 3.0, 7.0, variant="severity=1"),
            *dropped(NOISE, 35.0, 31.0, 39.0, variant="severity=3"),
        ],
        [
            "Noise takes up to 35.0 points [31.0, 39.0]",
            "from 80.0 % to 45.0 % [44.0, 46.0] under gaussian_noise(severity=3)",
            "at severity 1 already 5.0 points",
        ],
        [
            [CLEAN, *dropped(NOISE, 5.0, 1.9, 9.0)],  # not surely more than two points
            dropped(NOISE, 35.0, 31.0, 39.0),  # nothing to compare with
            [CLEAN, *dropped(FOG, 35.0, 31.0, 39.0)],  # another family
        ],
    ),
    "blur": Case(
        [CLEAN, *dropped("zoom_blur(severity=2)", 12.0, 11.0, 13.0)],
        ["Blur takes up to 12.0 points"],
        [[CLEAN, *dropped(NOISE, 12.0, 11.0, 13.0)]],
    ),
    "weather": Case(
        [CLEAN, row("clean", "top1", 50.0, data="imagenet_c:X(corruptions=snow, severities=4)")],
        ["Weather takes up to 30.0 points [28.0, 32.0]", "under snow(severity=4) as stored"],
        [[CLEAN, *dropped("zoom_blur(severity=2)", 12.0, 11.0, 13.0)]],
    ),
    "digital": Case(
        [CLEAN, *dropped("pixelate(severity=2)", 12.0, 11.0, 13.0)],
        ["Digital processing takes up to 12.0 points"],
        [[CLEAN, *dropped(FOG, 12.0, 11.0, 13.0)]],
    ),
    "adversarial": Case(
        [
            CLEAN,
            row("pgd(eps=[1/255, 4/255])", "robust_top1", 30.0, variant="eps=1/255"),
            row("pgd(eps=[1/255, 4/255])", "robust_top1", 5.0, variant="eps=4/255"),
            row("fmn(norm=Linf)", "top1", 0.0),
            row("fmn(norm=Linf)", "success_rate", 100.0),
        ],
        [
            "Attacks take 75.0 points [73.0, 77.0] of accuracy: 5.0 % [4.0, 6.0] stay right under "
            "pgd(eps=4/255)",
            "changes of 1/255 per pixel are enough to lose half",
        ],
        [
            # any image falls to changes of any size: that is no accuracy
            [
                CLEAN,
                row("fmn(norm=Linf)", "top1", 0.0),
                row("fmn(norm=Linf)", "success_rate", 99.0),
            ],
            [CLEAN, row("pgd(eps=1/255)", "robust_top1", 77.5, 76.0, 79.0)],
        ],
    ),
    "smallest_change": Case(
        [
            CLEAN,
            row("fmn(norm=Linf)", "median_linf", 0.004, 0.003, 0.005),
            row("fmn(norm=Linf)", "median_linf_per_pixel", 1e-8, 1e-8, 1e-8, unit="none"),
        ],
        ["falls to a change of Linf 0.004 [0.003, 0.005] (1/255 per pixel)", "(fmn(norm=Linf))"],
        [
            [CLEAN, row("fmn(norm=Linf)", "median_linf", 0.004, 0.003, 0.005)],
            [
                CLEAN,
                row("fmn(norm=Linf)", "median_linf", 0.012, 0.01, 0.02),  # may well be seen
                row("fmn(norm=Linf)", "median_linf_per_pixel", 1e-8, 1e-8, 1e-8, unit="none"),
            ],
        ],
    ),
    "doubtful": Case(
        [CLEAN],
        ["Do not believe its accuracy under attack yet: attacks noticed zero_gradient."],
        [[CLEAN]],
        run={"warnings": [{"model": "m", "flag": "zero_gradient", "text": "look for rounding"}]},
    ),
    "flips": Case(
        [CLEAN, row("translate", "flip_probability", 12.0, 11.0, 13.0)],
        ["in 12.0 % [11.0, 13.0] of the steps of translate"],
        [[CLEAN, row("translate", "flip_probability", 4.0, 1.5, 8.0)]],
    ),
    "reading": Case(
        [
            CLEAN,
            *dropped("resizer(resize=opencv-nearest)", -1.0, -3.0, 1.0),
            row("resizer(resize=opencv-nearest)", "disagreement", 8.0, 6.0, 10.0),
        ],
        ["changes 8.0 % [6.0, 10.0] of its answers and even gives 1.0 points of accuracy"],
        [
            [CLEAN, row("resizer(resize=opencv-nearest)", "disagreement", 4.0, 1.9, 8.0)],
            [CLEAN, row("jpeg(quality=30)", "disagreement", 8.0, 6.0, 10.0)],
            [CLEAN, row("quantize(bits=4)", "disagreement", 80.0, 60.0, 90.0)],
            [CLEAN, row("padding(style=same)", "disagreement", 80.0, 60.0, 90.0)],
        ],
    ),
    "conversion": Case(
        [CLEAN, *dropped("padding(style=same)", 6.0, 4.0, 8.0)],
        ["How the network is converted matters: padding(style=same) takes 6.0 points [4.0, 8.0]"],
        [
            [CLEAN, *dropped("padding(style=same)", 2.0, 1.0, 3.0)],
            [CLEAN, *dropped("resizer(resize=opencv-nearest)", 6.0, 4.0, 8.0)],
            [CLEAN, *dropped("quantize(bits=4)", 6.0, 4.0, 8.0)],
        ],
    ),
    "compression": Case(
        [CLEAN, *dropped("jpeg(quality=30)", 6.0, 4.0, 8.0)],
        ["Compression matters: jpeg(quality=30) takes 6.0 points [4.0, 8.0] of accuracy."],
        [[CLEAN, *dropped("resizer(resize=opencv-nearest)", 6.0, 4.0, 8.0)]],
    ),
    "precision": Case(
        [
            CLEAN,
            *dropped("precision(dtype=bf16)", 3.0, 2.1, 4.0),
            *dropped("quantize(bits=4)", 6.0, 4.0, 8.0),
        ],
        ["Its precision matters: quantize(bits=4) takes 6.0 points"],
        [
            [CLEAN, *dropped("precision(dtype=bf16)", 2.0, 1.0, 3.0)],
            [CLEAN, *dropped("padding(style=same)", 6.0, 4.0, 8.0)],
        ],
    ),
    "overconfident": Case(
        [
            CLEAN,
            row("clean", "ece", 5.0, 3.0, 7.0),
            row(FOG, "ece", 22.0, 20.0, 24.0, variant="severity=5"),
            row("pgd(eps=4/255)", "ece", 60.0, 50.0, 70.0),  # an attack is no weather
            row("sis", "ece", 90.0, 80.0, 99.0),  # a few pixels are no picture
        ],
        ["off by 22.0 points [20.0, 24.0] under fog(severity=5), by 5.0 points on clean images"],
        [[CLEAN, row("clean", "ece", 5.0, 0.0, 7.0)], [CLEAN, row(FOG, "ece", 22.0, 20.0, 24.0)]],
    ),
    "overinterprets": Case(
        [CLEAN, row("sis(threshold=0.9)", "sis_size_mean", 3.0, 2.5, 3.5)],
        ["Its answer stands on 3.0 % [2.5, 3.5] of the pixels"],
        [[CLEAN, row("sis(threshold=0.9)", "sis_size_mean", 8.0, 6.0, 10.5)], [CLEAN]],
    ),
    "worst_class": Case(
        [CLEAN, row("clean", "worst_class_top1", 40.0, 20.0, 60.0)],
        ["Its worst class has 40.0 % [20.0, 60.0], all together 80.0 %."],
        [[CLEAN, row("clean", "worst_class_top1", 40.0, 20.0, 66.0)]],
    ),
    "shift": Case(
        [CLEAN, row("clean", "top1", 60.0, data="sketches")],
        ["On sketches it is 20.0 points [18.0, 22.0] worse: 60.0 % [59.0, 61.0] instead of 80.0 %"],
        [
            [CLEAN, row("clean", "top1", 77.0, 75.0, 79.5, data="sketches")],
            [CLEAN, row("clean", "top1", 60.0, data="imagenet_c:X(corruptions=fog, severities=4)")],
        ],
    ),
    "suite_score": Case(
        [CLEAN, row("imagenet_c", "mce", 76.7, 75.0, 78.0), row("imagenet_c", "mean_error", 60.0)],
        ["Its mCE over imagenet_c is 76.7 % [75.0, 78.0], where 100 is the baseline."],
        [[CLEAN, row(NOISE, "mean_error", 40.0)], [CLEAN, row("imagenet_c", "mce", None)]],
    ),
    "holds": Case(
        [CLEAN, *dropped(FOG, 0.5, -1.0, 1.9, variant="severity=1")],
        ["It holds under fog(severity=1): less than two points"],
        [[CLEAN, *dropped(FOG, 0.5, -1.0, 2.1, variant="severity=1")]],
    ),
    "transferred": Case(
        [CLEAN, row("pgd(eps=4/255)", "transfer_rate", 40.0, source="other", variant="eps=4/255")],
        ["What is made on other fools it in 40.0 % [39.0, 41.0] of cases (pgd(eps=4/255))."],
        [
            [CLEAN, row("pgd(eps=4/255)", "transfer_rate", 40.0, source="m")],
            [CLEAN, row("pgd(eps=4/255)", "transfer_rate", 10.5, source="other")],
        ],
    ),
    "geometric": Case(
        [CLEAN, *dropped("spatial(rotation=30)", 25.0, 22.0, 28.0)],
        ["The worst turn, shift or patch takes 25.0 points [22.0, 28.0] of accuracy"],
        [[CLEAN, *dropped("pgd(eps=4/255)", 25.0, 22.0, 28.0)]],
    ),
}


def test_every_rule_has_its_cases() -> None:
    assert sorted(CASES) == sorted(RULES)
    for name in RULES:
        assert RULES.get(name).doc.startswith("Speak ")


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_rule_speaks_with_numbers_where_it_must(name: str) -> None:
    case = CASES[name]
    found = RULES.get(name).function(judged(*case.speaks, **case.run))
    assert isinstance(found, Sentence)
    for words in case.says:
        assert words in found.text
    assert found.text.endswith(".")
    assert found.advice or found.level in ("note", "fine")


@pytest.mark.parametrize(
    ("name", "i"), [(name, i) for name, case in CASES.items() for i in range(len(case.silent))]
)
def test_a_rule_is_silent_where_it_must_be(name: str, i: int) -> None:
    given = judged(*CASES[name].silent[i])
    if name == "start":
        found = RULES.get(name).function(given)
        assert isinstance(found, Sentence)
        assert "was not judged on clean images" in found.text
    else:
        assert RULES.get(name).function(given) is None


def test_a_verdict_says_on_which_side_confidence_is_wrong() -> None:
    where = {"model": "m", "data": "d", "samples": 100}
    # 90 answers of confidence 0.95 of which 50 are right, and 100 of 0.55 of which 70 are
    counted = [
        {**where, "stress": FOG, "bins": [[9, 90, 90, 0.95, 50]]},
        {**where, "stress": "clean", "bins": [[5, 100, 100, 0.55, 70]]},
    ]
    rows = [CLEAN, row("clean", "ece", 15.0, 13.0, 17.0), row(FOG, "ece", 39.4, 30.0, 45.0)]
    (one,) = (s for s in sentences_of(judged(*rows)) if "confidence" in s.text)
    assert "is off by 39.4 points" in one.text
    run = {"models": [{"spec": "m"}]}
    view = FakeView(Path(), {"run": run, "rows": rows, "reliability": counted})
    given = Judged(Evidence(view), "m", "m")
    said = RULES.get("overconfident").function(given)
    assert said is not None
    assert "too high by 39.4 points [30.0, 45.0] under fog" in said.text
    assert said.text.endswith("too low by 15.0 points on clean images.")
    counted[0]["bins"] = [[9, 45, 45, 0.95, 43], [1, 45, 45, 0.15, 7]]  # right on the whole
    said = RULES.get("overconfident").function(given)
    assert said is not None
    assert "is off by 39.4 points" in said.text


def test_an_attack_loses_what_the_same_images_lost() -> None:
    stress = row("pgd(eps=4/255)", "robust_top1", 5.0)
    drop = row("pgd(eps=4/255)", "drop", 75.0, 74.5, 75.5)
    attack = RULES.get("adversarial").function
    said = attack(judged(CLEAN, stress, drop))
    assert said is not None
    assert "75.0 points [74.5, 75.5]" in said.text
    said = attack(judged(CLEAN, stress, {**drop, "value": 70.0}))  # reached its goal, still right
    assert said is not None
    assert "75.0 points [73.0, 77.0]" in said.text


def test_what_anybody_sees_is_no_small_budget_and_several_attacks_are_counted() -> None:
    attack = RULES.get("adversarial").function
    said = attack(judged(CLEAN, row("worst_case(fgsm(eps=0.3), pgd(eps=0.3))", "robust_top1", 5.0)))
    assert said is not None
    assert said.text.endswith(
        "5.0 % [4.0, 6.0] stay right under the worst of 2 attacks at eps=0.3."
    )


def test_the_smallest_change_is_told_in_the_norm_that_is_easiest_to_picture() -> None:
    rows = [CLEAN]
    for attack, norm, value in (("ead", "L1", 1.0), ("fmn", "L2", 0.5), ("bim", "Linf", 0.01)):
        rows.append(row(attack, f"median_{norm.lower()}", value, value / 2, value * 1.5))
        rows.append(row(attack, f"median_{norm.lower()}_per_pixel", 1e-8, 1e-8, 1e-8))
    for left, norm in ((7, "Linf"), (5, "L2"), (3, "L1")):
        said = RULES.get("smallest_change").function(judged(*rows[:left]))
        assert said is not None
        assert f"a change of {norm} " in said.text


def test_sentences_are_ranked_by_what_is_lost_over_the_axes() -> None:
    given = judged(
        CLEAN,
        *dropped(FOG, 12.0, 11.0, 13.0, variant="severity=5"),
        *dropped("jpeg(quality=30)", 6.0, 4.0, 8.0),
        row("pgd(eps=4/255)", "robust_top1", 5.0),
        *dropped("saturate(severity=1)", 0.1, -0.5, 0.7),
    )
    found = sentences_of(given)
    assert [one.text.split()[0] for one in found] == [
        "m",
        "Attacks",
        "Weather",
        "Compression",
        "It",
    ]
    assert [one.level for one in found] == ["note", "severe", "serious", "mild", "fine"]


def test_without_images_to_compare_with_nothing_is_claimed() -> None:
    (only,) = sentences_of(judged(*dropped(FOG, 30.0, 28.0, 32.0)))
    assert only.advice == "Add the stress clean."


def test_each_of_several_models_has_its_own_sentences() -> None:
    rows = [row("clean", "top1", 70.0 + i, model=f"m{i}") for i in range(8)]
    view = FakeView(Path(), {"rows": rows})
    blocks = list(SECTIONS.get("verdict").function(Evidence(view)))
    heads = [block.text for block in blocks if isinstance(block, Heading)]
    assert heads == [f"m{i}" for i in range(6)]
    firsts = [block.sentences[0].text for block in blocks if isinstance(block, Sentences)]
    assert [text.split(" %")[0] for text in firsts] == [f"m{i} gets 7{i}.0" for i in range(6)]
    assert any(isinstance(block, Text) and block.text.startswith("2 more") for block in blocks)
