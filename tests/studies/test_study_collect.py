from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from roadworthy.engine.records import SCHEMA
from roadworthy.studies.collect import Surveys, stresses_of_suite

SAMPLES = 40


def rows(
    *, accuracy: float, change: float, norm: str = "L2", size: str = "32x32", **more: Any
) -> pl.DataFrame:
    """Return records of an attack that looked for the smallest change on one model."""
    made = []
    for i in range(SAMPLES):
        right = i < accuracy * SAMPLES
        made.append(
            {
                "sample": f"{i:03d}",
                "status": "ok" if right else "clean_error",
                "success": True if right else None,
                "norm": norm,
                "variant": "",
                "frame_size": size,
                norm.lower(): change if right else 0.0,
                **more,
            }
        )
    return pl.DataFrame(made, schema=SCHEMA)


def collected(frames: dict[str, pl.DataFrame], **more: Any) -> list[dict[str, Any]]:
    surveys = Surveys(**more)
    for model, frame in frames.items():
        surveys.add("d", model, "fmn", "fp32", frame)
    return list(surveys.results())


def test_an_attack_on_three_models_has_a_line_by_mean_and_by_median() -> None:
    frames = {
        f"m{i}": rows(accuracy=a, change=3072 * (6 + 2.9 * float(np.log(1 - a))))
        for i, a in enumerate((0.5, 0.6, 0.8))
    }
    found = collected(frames)
    assert [entry["statistic"] for entry in found] == ["mean", "median"]
    for entry in found:
        assert (entry["data"], entry["stress"], entry["norm"]) == ("d", "fmn", "L2")
        assert entry["unit"] == "L2 per element"
        assert [p["accuracy"] for p in entry["points"]] == [0.5, 0.6, 0.8]
        assert entry["fits"][0]["slope"] == pytest.approx(2.9, rel=1e-5)
        assert entry["fits"][0]["intercept"] == pytest.approx(6.0, rel=1e-5)
        assert entry["fits"][0]["models"] == ["m0", "m1", "m2"]


def test_frames_of_different_size_are_compared_per_element_but_not_under_linf() -> None:
    def changes(norm: str) -> list[float]:
        frames = {
            "small": rows(accuracy=0.5, change=0.25, norm=norm, size="32x32"),
            "large": rows(accuracy=0.7, change=0.25, norm=norm, size="64x48"),
        }
        return [point["y"] for point in collected(frames)[0]["points"]]

    assert changes("Linf") == [0.25, 0.25]
    assert changes("L1") == pytest.approx([0.25 / 3072, 0.25 / 9216])


def test_attacks_with_a_budget_say_nothing() -> None:
    fixed = rows(accuracy=0.5, change=0.01, norm="Linf", eps=0.01)
    assert collected({"m": fixed, "n": fixed}) == []
    clean = rows(accuracy=0.5, change=0.0).with_columns(
        norm=pl.lit(None, pl.String), success=pl.lit(None, pl.Boolean)
    )
    assert collected({"m": clean, "n": clean}) == []


def test_one_model_is_left_out_unless_the_survey_was_asked_for() -> None:
    alone = {"m": rows(accuracy=0.5, change=0.3)}
    assert collected(alone) == []
    asked = stresses_of_suite(
        [{"suites": [{"name": "survey", "stresses": ["fmn"]}]}, {"suites": []}, {}]
    )
    assert asked == {"fmn"}
    found = collected(alone, stresses=asked)
    assert "a line needs 3 models, there is 1" in found[0]["fits"][0]["reason"]
    assert found[0]["fits"][0]["slope"] is None


def test_a_clever_score_is_a_change_and_variants_are_apart() -> None:
    def scored(accuracy: float, score: float) -> pl.DataFrame:
        frame = rows(accuracy=accuracy, change=0.0).with_columns(success=pl.lit(None, pl.Boolean))
        right = pl.col("status") == "ok"
        return pl.concat(
            frame.with_columns(
                norm=pl.lit(None, pl.String),  # as the engine writes it
                clever=pl.when(right).then(pl.lit(factor * score, pl.Float32)),
                variant=pl.lit(variant),
            )
            for variant, factor in (("draws=8", 1.0), ("draws=16", 2.0))
        )

    found = collected({"m": scored(0.5, 3.072), "n": scored(0.75, 6.144)})
    assert [(e["variant"], e["statistic"]) for e in found] == [
        ("draws=8", "mean"),
        ("draws=8", "median"),
        ("draws=16", "mean"),
        ("draws=16", "median"),
    ]
    assert [p["y"] for p in found[0]["points"]] == pytest.approx([0.001, 0.002], rel=1e-5)
    assert [p["y"] for p in found[3]["points"]] == pytest.approx([0.002, 0.004], rel=1e-5)
    assert [p["n"] for p in found[0]["points"]] == [20, 30]


def test_precisions_are_never_on_one_line() -> None:
    surveys = Surveys()
    for model, precision in (("m", "fp32"), ("m [bf16]", "bf16")):
        surveys.add("d", model, "fmn", precision, rows(accuracy=0.5, change=0.3))
    assert list(surveys.results()) == []
