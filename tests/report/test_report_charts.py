from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from report_fakes import MODEL, OTHER, figures_of, pictures_of, records, summary

from roadworthy.engine.records import SCHEMA
from roadworthy.report.cells import Cell
from roadworthy.report.figure import Figure
from roadworthy.report.judgements import judgements
from roadworthy.report.points import eps_of, family_of, norm_of, severity_of


def points(figure: Figure) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = figure.spec["datasets"]["points"]
    return found


@pytest.fixture(scope="module")
def drawn() -> list[tuple[str, Figure]]:
    rows = records(n=20)
    return figures_of(summary(rows), rows)


def test_one_section_per_axis_present_in_order(drawn: list[tuple[str, Figure]]) -> None:
    sections = list(dict.fromkeys(section for section, _ in drawn))
    assert sections == [
        "overview",
        "corruptions",
        "sequences",
        "robustness",
        "systematic",
        "calibration",
    ]


def test_absent_axes_have_no_chart() -> None:
    rows = records(n=10).filter(pl.col("stress").is_in(["clean", "jpeg(quality=30)"]))
    given = summary(records(n=10))
    given["rows"] = [r for r in given["rows"] if r["stress"] in ("clean", "jpeg(quality=30)")]
    given |= pictures_of(rows)
    sections = {section for section, _ in figures_of(given, rows)}
    assert sections == {"overview", "systematic", "calibration"}


def test_the_points_are_the_rows_of_the_summary(drawn: list[tuple[str, Figure]]) -> None:
    given = summary(records(n=20))

    def expected(metric: str, stress: str, variant: str) -> tuple[float, float, float]:
        key = (metric, stress, variant)
        row = next(r for r in given["rows"] if (r["metric"], r["stress"], r["variant"]) == key)
        return row["value"], row["low"], row["high"]

    by_section = dict(reversed(drawn))
    over = {p["label"]: (p["value"], p["low"], p["high"]) for p in points(by_section["overview"])}
    assert over["clean"] == expected("top1", "clean", "")
    assert over["gaussian_noise(severity=1..5)"] == expected(
        "top1", "gaussian_noise(severity=1..5)", ""
    )
    levels = {p["x"]: (p["value"], p["low"], p["high"]) for p in points(by_section["corruptions"])}
    assert sorted(levels) == [0, 1, 2, 3, 4, 5]
    assert levels[0] == expected("top1", "clean", "")
    assert levels[3] == expected("top1", "gaussian_noise(severity=1..5)", "severity=3")
    attacked = {p["x"]: p["value"] for p in points(by_section["robustness"])}
    pgd = expected("robust_top1", "pgd(eps=1/255, steps=10)", "eps=1/255")
    assert attacked == {0: over["clean"][0], 1: pgd[0]}
    lost = {p["label"]: p["value"] for p in points(by_section["systematic"])}
    assert lost["jpeg(quality=30)"] == expected("drop", "jpeg(quality=30)", "quality=30")[0]
    assert len(lost) == 3


def test_models_are_colours_where_there_are_several() -> None:
    rows = records(n=10, models=(MODEL, OTHER))
    over = figures_of(summary(rows), rows)[0][1]
    series = {p["series"] for p in points(over)}
    assert len(series) == 2
    assert MODEL in series
    assert "yOffset" in json.dumps(over.spec)


def test_specs_are_vega_lite(drawn: list[tuple[str, Figure]]) -> None:
    import altair as alt

    for _, figure in drawn:
        again = alt.Chart.from_dict(figure.spec, validate=True).to_dict(validate=True)
        assert len(again["layer"]) == len(figure.spec["layer"])
    with pytest.raises(Exception, match="no such mark"):
        alt.Chart.from_dict({**drawn[0][1].spec, "layer": [{"mark": "no such mark"}]})


def test_specs_name_no_address(drawn: list[tuple[str, Figure]]) -> None:
    assert "http" not in json.dumps([figure.spec for _, figure in drawn])


def frame_rows(correct: list[list[bool]], conf: float = 0.95) -> pl.DataFrame:
    rows = [
        {
            "sample": f"s{i}",
            "data": "d",
            "model": "m",
            "stress": "translate",
            "variant": "",
            "status": "ok",
            "label": 0,
            "frames_pred": [0 if ok else 1 for ok in frames],
            "frames_correct": frames,
            "frames_conf": [conf] * len(frames),
        }
        for i, frames in enumerate(correct)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def test_accuracy_over_frames_by_hand() -> None:
    # frame 1: 2 of 2 right, frame 2: 1 of 2, frame 3: 0 of 2
    rows = frame_rows([[True, True, False], [True, False, False]])
    assert judgements(rows)["frame"].sort().to_list() == [1, 1, 2, 2, 3, 3]
    figure = next(f for section, f in figures_of(pictures_of(rows), rows) if section == "sequences")
    assert [(p["x"], p["value"], p["n"]) for p in points(figure)] == [
        (1, 100, 2),
        (2, 50, 2),
        (3, 0, 2),
    ]
    # Wilson interval of 1 in 2: 9.45 to 90.55 %
    assert points(figure)[1]["low"] == pytest.approx(9.453, abs=0.001)
    assert points(figure)[1]["high"] == pytest.approx(90.547, abs=0.001)


def test_draws_that_follow_no_order_are_no_frames() -> None:
    rows = frame_rows([[True, False]]).with_columns(stress=pl.lit("sis"))
    assert all(section != "sequences" for section, _ in figures_of(pictures_of(rows), rows))


def reliability_of(judged: list[tuple[float, bool]], **more: Any) -> list[dict[str, Any]]:
    """Return the points of the reliability diagram of (confidence, right or not)."""
    base = {"data": "d", "model": "m", "stress": "clean", "variant": "", "status": "ok", **more}
    rows = [
        {**base, "sample": f"s{i}", "label": 0, "pred": 0, "correct": correct, "conf": conf}
        for i, (conf, correct) in enumerate(judged)
    ]
    rows.append({**base, "sample": "bad", "status": "failed"})
    frame = pl.DataFrame(rows, schema=SCHEMA)
    section, figure = figures_of(pictures_of(frame), frame)[0]
    assert section == "calibration"
    return points(figure)


def test_reliability_by_hand() -> None:
    judged = 5 * [(0.62, True), (0.68, False)] + 5 * [(1.0, True), (0.91, True)]
    found = reliability_of([*judged, (float("nan"), True)])
    # ten in 60..70 % with mean 65 and half of them right; ten in 90..100 % with mean 95.5, all right
    assert [(round(p["x"], 3), p["value"], p["n"], p["label"]) for p in found] == [
        (65.0, 50.0, 10, "confidence 60 to 70 %"),
        (95.5, 100.0, 10, "confidence 90 to 100 %"),
    ]


def test_few_images_of_about_one_confidence_are_no_point_of_their_own() -> None:
    few = reliability_of([(0.15, False), (0.35, True), (0.95, True)])
    assert [(p["n"], p["label"]) for p in few] == [(3, "confidence 10 to 100 %")]
    assert few[0]["x"] == pytest.approx(145 / 3, abs=1e-3)
    many = reliability_of([*6 * [(0.15, True)], *6 * [(0.35, False)], *6 * [(0.95, True)]])
    # twelve from 10 to 40 %; the six that are left go with them
    assert [(p["n"], round(p["value"], 2)) for p in many] == [(18, 66.67)]


def test_images_with_several_frames_are_counted_once_over_bins() -> None:
    rows = frame_rows([[True, False]] * 12)
    rows = rows.with_columns(frames_conf=pl.Series([[0.95, 0.15]] * 12, dtype=pl.List(pl.Float32)))
    made = figures_of(pictures_of(rows), rows)
    found = next(points(f) for section, f in made if section == "calibration")
    assert [(p["n"], p["value"]) for p in found] == [(12, 0.0), (12, 100.0)]
    fewer = frame_rows([[True, False]] * 6).with_columns(
        frames_conf=pl.Series([[0.95, 0.15]] * 6, dtype=pl.List(pl.Float32))
    )
    made = figures_of(pictures_of(fewer), fewer)
    found = next(points(f) for section, f in made if section == "calibration")
    assert [(p["n"], p["value"]) for p in found] == [(6, 50.0)]


def test_ragged_sequences_are_left_out() -> None:
    rows = frame_rows([[True, False], [True, True]])
    ragged = rows.with_columns(
        frames_conf=pl.Series([[0.5], [0.5, 0.6]], dtype=pl.List(pl.Float32))
    )
    assert judgements(ragged)["sample"].unique().to_list() == ["s1"]


def cell(stress: str, variant: str = "") -> Cell:
    return Cell("m", "d", "", stress, variant)


def test_levels_are_read_from_variant_or_stress() -> None:
    assert eps_of(cell("pgd(steps=10)", "eps=4/255")) == pytest.approx(4)
    assert eps_of(cell("pgd(eps=8/255, steps=10)")) == pytest.approx(8)
    assert eps_of(cell("pgd(norm=L2)", "eps=0.5")) == pytest.approx(0.5)
    assert eps_of(cell("pgd(eps=1/0)")) == 0
    assert eps_of(cell("fmn(steps=10)")) is None
    assert norm_of(cell("pgd(norm=L2)")) == "L2"
    assert norm_of(cell("pgd(steps=2)")) == "Linf"
    assert severity_of(cell("fog(severity=1..5)", "severity=4")) == 4
    assert severity_of(cell("fog(scale=2)")) is None
    families = ["fog(severity=[1, 3], size=2)", "fog(severity=1..5)", "pgd(steps=1, eps=4/255)"]
    assert [family_of(cell(s)) for s in families] == ["fog(size=2)", "fog", "pgd(steps=1)"]


def test_an_unforeseen_axis_is_drawn_by_its_first_percent() -> None:
    row = {"model": "m", "data": "d", "source": None, "stress": "plugin_of_mine", "variant": ""}
    rows = [
        {**row, "metric": "sizes", "unit": "none", "value": 3.0},
        {**row, "metric": "subset_top1", "unit": "percent", "value": 61.5},
    ]
    made = figures_of({"rows": rows}, SCHEMA.to_frame())
    assert [(section, f.title) for section, f in made] == [("other_stresses", "subset_top1")]
    assert points(made[0][1])[0]["value"] == 61.5


def test_norms_get_a_chart_each() -> None:
    key = {"model": "m", "data": "d", "source": "m", "metric": "robust_top1", "unit": "percent"}
    rows = [
        {**key, "stress": "pgd(norm=L2)", "variant": "eps=0.5", "value": 40.0},
        {**key, "stress": "pgd", "variant": "eps=4/255", "value": 20.0},
        {**key, "stress": "clean", "variant": "", "metric": "top1", "value": 90.0},
    ]
    made = [
        f for section, f in figures_of({"rows": rows}, SCHEMA.to_frame()) if section == "robustness"
    ]
    assert [f.title for f in made] == ["Accuracy over eps (Linf)", "Accuracy over eps (L2)"]
    assert [[(round(p["x"], 6), p["value"]) for p in points(f)] for f in made] == [
        [(0, 90), (4, 20)],
        [(0, 90), (0.5, 40)],
    ]


def test_nothing_to_draw_is_no_chart() -> None:
    assert figures_of({}, SCHEMA.to_frame()) == []
