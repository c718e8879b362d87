"""Systematic suites in the summary, under the table and on the page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_world import COLOURS, colour_net
from PIL import Image
from report_fakes import FakeView

import roadworthy as rw
from roadworthy.metrics.mcnemar import exact_mcnemar, holm
from roadworthy.report.blocks import Heading, Table, Text
from roadworthy.report.html import render
from roadworthy.report.pipelines import name_of, pipeline_blocks, pipeline_notes
from roadworthy.report.table import lines

SUITE = "sysnoise(pipelines=published)"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    """Return a run of the published pipelines on JPEGs of two layouts and three sizes."""
    folder, rng = tmp_path_factory.mktemp("pipelines"), np.random.default_rng(8)
    for index, colour in enumerate(COLOURS):
        (folder / "pictures" / colour).mkdir(parents=True)
        for number in range(10):
            side = (20, 30, 44)[number % 3]
            pixels = rng.integers(60, 160, (side, side + 4, 3))
            pixels[..., index] += number
            buffer = io.BytesIO()
            picture = Image.fromarray(pixels.astype(np.uint8))
            picture.save(buffer, "JPEG", subsampling=2 if number % 2 else 0)
            (folder / "pictures" / colour / f"{number}.jpg").write_bytes(buffer.getvalue())
    data = f"imagefolder:{folder / 'pictures'}"
    return rw.evaluate(colour_net(), data, SUITE, out=folder / "r")


def of(run: rw.Run) -> dict[str, Any]:
    (found,) = run.summary["systematic"]
    return dict(found)


def verdicts(run: rw.Run, stress: str) -> pl.DataFrame:
    clean = run.rows().filter(pl.col("stress") == "clean").select("sample", before="correct")
    rows = run.rows().filter(pl.col("stress") == stress)
    return rows.join(clean, on="sample").select("sample", "before", "correct", "chroma")


def test_every_pipeline_is_counted_from_its_records(run: rw.Run) -> None:
    found = of(run)
    assert found["reference"] == {
        "stress": "clean",
        "decoder": "pillow",
        "resize": "pillow-bilinear",
    }
    names = [p["stress"] for p in found["pipelines"]]
    assert "decoder(decode=pyav-bicubic)" in names
    assert "decoder(decode=opencv)" not in names
    p_values = []
    for entry in found["pipelines"]:
        both = verdicts(run, entry["stress"])
        lost = both.filter(pl.col("before") & ~pl.col("correct")).height
        gained = both.filter(~pl.col("before") & pl.col("correct")).height
        assert (entry["lost"], entry["gained"], entry["n"]) == (lost, gained, 30)
        assert entry["drop"] == pytest.approx(100 * (lost - gained) / 30)
        p_values.append(exact_mcnemar(lost, gained))
        assert entry["p"] == pytest.approx(p_values[-1])
        changes = lost + gained
        expected = 100 * np.sqrt(7.84 * changes) / 30 if changes else None
        assert entry["detectable"] == (expected and pytest.approx(min(100, expected)))
    assert [p["holm_p"] for p in found["pipelines"]] == pytest.approx(holm(p_values))
    assert max(p["drop"] for p in found["pipelines"]) == found["worst"]["drop"] > 0
    read = {
        p["stress"]: (p["decoder"], p["resize"])
        for p in found["pipelines"]
        if p["factor"] == "resize"
    }
    assert read["resizer(resize=opencv-nearest)"] == ("pillow", "opencv-nearest")


def test_rows_of_the_suite_and_its_factors_say_the_same(run: rw.Run) -> None:
    rows = {(r["variant"], r["metric"]): r for r in run.summary["rows"] if r["stress"] == SUITE}
    found = of(run)
    worst = rows["", "worst_drop"]
    assert (worst["value"], worst["low"]) == (found["worst"]["drop"], found["worst"]["drop_low"])
    assert {variant for variant, _ in rows} == {
        "",
        "factor=decode",
        "factor=resize",
        "factor=colour",
        "factor=fp16",
        "factor=int8",
    }
    top1 = [
        r["value"] for r in run.summary["rows"] if r["metric"] == "top1" and r["stress"] == "clean"
    ]
    own = [p for p in found["pipelines"] if p["factor"] == "decode"]
    accuracies = np.array([top1[0], *(top1[0] - p["drop"] for p in own)])
    assert rows["factor=decode", "pipeline_mean"]["value"] == pytest.approx(accuracies.mean())
    assert rows["factor=decode", "pipeline_std"]["value"] == pytest.approx(accuracies.std(ddof=1))


def test_strata_add_up_to_the_whole(run: rw.Run) -> None:
    found = of(run)
    for entry in found["pipelines"]:
        for by in ("chroma", "downscale"):
            mine = [s for s in found["strata"] if (s["stress"], s["by"]) == (entry["stress"], by)]
            for name in ("lost", "gained", "n"):
                assert sum(s[name] for s in mine) == entry[name]
    nearest = "resizer(resize=opencv-nearest)"
    coarse = [s for s in found["strata"] if (s["stress"], s["stratum"]) == (nearest, "4:2:0")]
    expected = verdicts(run, nearest).filter(pl.col("chroma") == "4:2:0")
    assert coarse[0]["n"] == expected.height == 15
    assert coarse[0]["lost"] == expected.filter(pl.col("before") & ~pl.col("correct")).height


def test_steps_begin_with_the_worst_decoder_alone(run: rw.Run) -> None:
    found = of(run)
    steps = found["steps"]
    assert steps[0]["stress"] == steps[0]["added"] == "decoder(decode=pyav-bicubic)"
    assert [step["stress"].count("), ") + 1 for step in steps[:2]] == [1, 2]
    assert steps[1]["added"].startswith("resizer(resize=")
    assert steps[2]["added"].startswith("yuv")
    assert steps[3]["added"] == "quantize"
    assert all(step["stress"].startswith("stack(") for step in steps[1:])
    costs = {p["stress"]: p["drop"] for p in found["pipelines"] if p["factor"] == "resize"}
    assert costs[steps[1]["added"]] == max(costs.values())


def test_the_terminal_says_what_matters(run: rw.Run) -> None:
    text = lines(run.summary)
    found = of(run)
    worst = max(found["pipelines"], key=lambda p: (p["drop"], p["changed"], p["mean_kl"]))
    assert f"pipelines {worst['stress']} is the worst: {worst['drop']:.1f} [" in text
    assert "the worst of each kind together: " in text
    assert "30 images show a drop of " in text
    twins = "judged once, since they read files as the model does by itself, bit for bit: "
    assert f"{twins}decoder(decode=pillow)" in text
    (row,) = (
        line
        for line in text.splitlines()
        if line.startswith(f"| {SUITE} ") and "factor" not in line
    )
    assert f"{found['worst']['drop']:.1f} [" in row  # the worst stands in the column of drops


def test_the_page_has_matrix_pipelines_steps_and_strata(run: rw.Run) -> None:
    blocks = list(pipeline_blocks(run.summary))
    tables = [block for block in blocks if isinstance(block, Table)]
    assert [block.code for block in blocks if isinstance(block, Heading)] == [SUITE]
    matrix, each, steps, chroma, size = tables
    assert [column.text for column in matrix.columns] == ["resizer", "pillow", "pyav-bicubic"]
    drops = {row.entries[0].text: row.entries[1].text for row in matrix.groups[0].rows}
    assert len(drops) == 11
    assert drops["pillow-bilinear"] == "0.0"
    nearest = next(
        p for p in of(run)["pipelines"] if p["stress"] == "resizer(resize=opencv-nearest)"
    )
    assert drops["opencv-nearest"] == f"{nearest['drop']:.1f}"
    heat = {row.entries[0].text: row.entries[1].heat for row in matrix.groups[0].rows}
    worst = max(p["drop"] for p in of(run)["pipelines"] if p["factor"] in ("decode", "resize"))
    assert heat["opencv-nearest"] == pytest.approx(max(0.0, nearest["drop"] / max(10, worst)))
    assert heat["pillow-bilinear"] is None
    assert max(h for h in heat.values() if h is not None) <= 1
    assert [entry.text for entry in matrix.groups[0].rows[2].entries[2:]] == ["–"]
    assert [group.title for group in each.groups] == [
        "Decoder",
        "Resizer",
        "Colour",
        "Half precision",
        "8 bits",
    ]
    assert [row.entries[0].text for row in steps.groups[0].rows][3] == "+ quantize"
    assert [group.title for group in chroma.groups] == ["Decoder"]
    assert [group.title for group in size.groups] == ["Resizer"]
    assert chroma.columns[1].text == "4:4:4 (n = 15)"
    page = render(run, images=0)
    assert "The option of each kind that costs most by itself" in page
    assert (
        page.count(f"Read in other ways ({SUITE}) it loses") == 1
    )  # of the whole, not of each factor
    assert page.count("decoder(decode=pyav-bicubic)") > 3


def hostile(**entry: Any) -> dict[str, Any]:
    pipeline = {"stress": "<img src=x>", "variant": "", "factor": "<b>", "drop": 1.0, "n": 3}
    found = {"suite": "<script>", "model": "m", "data": "d", "pipelines": [pipeline], **entry}
    return {"rows": [], "systematic": [found]}


@pytest.mark.parametrize(
    "summary",
    [
        {},
        {"systematic": 3},
        {"systematic": [None, {"suite": "a"}]},
        hostile(pipelines=None, steps="x", same=[3]),
        hostile(pipelines=[{"stress": "a", "drop": "much", "n": None, "holm_p": "<"}]),
        hostile(reference=[], worst=3, strata=[{"by": "chroma"}]),
        hostile(worst={"drop": float("nan")}, same=[{"stress": "<i>", "like": "clean"}]),
    ],
)
def test_damaged_and_hostile_summaries_do_no_harm(summary: dict[str, Any], tmp_path: Path) -> None:
    notes = pipeline_notes(summary)
    assert all(isinstance(block, Heading | Table | Text) for block in pipeline_blocks(summary))
    page = render(FakeView(tmp_path, summary), images=0)
    for text in ("<img src=x>", "<b></", "<script>:", "<i>"):
        assert text not in page
    assert all("\n" not in note for note in notes)


def test_pipelines_are_called_by_the_values_of_their_variant() -> None:
    """Whatever of them a sweep lists, and where a value is the default."""
    sweep = "resample(side=[24, 28], resize=[pillow-nearest, pillow-box], frame=untouched)"
    known = {
        (
            sweep,
            "side=24,resize=pillow-box",
        ): "resample(side=24, resize=pillow-box, frame=untouched)",
        ("quantize", "bits=8"): "quantize(bits=8)",
        ("yuv", "layout=nv12"): "yuv(layout=nv12)",
        (
            "stack(resizer(resize=opencv-area), quantize)",
            "",
        ): "stack(resizer(resize=opencv-area), quantize)",
        ("no spec (", "x=1"): "no spec (x=1, ",
    }
    for (stress, variant), name in known.items():
        assert name_of({"stress": stress, "variant": variant}) == name
