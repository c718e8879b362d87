"""What a page calls things: models told apart, commands that can be given again, no empty lines."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from report_fakes import DATA, MODEL, OTHER, FakeView, blocks_of, fake_view

from roadworthy.report.blocks import Facts, Fold, Heading, Table, Text
from roadworthy.report.cells import Cell, cells
from roadworthy.report.figure import Figure
from roadworthy.report.matrix import fools_nothing
from roadworthy.report.names import model_names, stress_names
from roadworthy.report.profiles import sentences
from roadworthy.report.scatter import Segment, scatter
from roadworthy.report.tradeoffs import tradeoff_figures, tradeoff_tables
from roadworthy.report.warned import warnings

NETWORK = "torch:/w/nets.py:resnet20(checkpoint='/w/{}.pt', mean=imagenet, std=imagenet, size=32)"
PLAIN, HARDENED = (NETWORK.format(name) for name in ("cifar10_resnet20", "cifar10_resnet20_at"))
PROTOCOL = "frame=imagenet, store=jpeg(quality=85)"


def row(model: str, stress: str, metric: str, value: float, **more: Any) -> dict[str, Any]:
    key = {"model": model, "data": DATA, "source": None, "stress": stress, "variant": ""}
    ends = {"low": value - 1, "high": value + 1, "n": 50, "failed": 0, "version": 1}
    return {**key, "metric": metric, "unit": "percent", "value": value, **ends, **more}


def profiles(*models: str) -> dict[str, Any]:
    condition = {"name": "day", "stress": "clean", "probability": 1.0, "error": 20.0}
    condition["worst_for_error"] = 1.0
    spec = "profile:harbour.yaml"
    rows = [
        row(model, spec, f"{name}_error", 20.0 + i)
        for i, model in enumerate(models)
        for name in ("expected", "worst_mixture")
    ]
    rows += [row(model, "clean", "top1", 80.0) for model in models]
    found = [
        {"model": m, "data": DATA, "stress": spec, "name": "harbour", "conditions": [condition]}
        for m in models
    ]
    run = {"models": [{"spec": model} for model in models]}
    return {"run": run, "rows": rows, "profiles": found}


def test_one_stress_that_needs_its_frame_leaves_others_without() -> None:
    fog = f"fog({PROTOCOL})"
    found = stress_names(["clean", "clean(frame=imagenet)", fog], 30)
    assert list(found.values()) == ["clean", "clean(frame=imagenet)", "fog"]


def test_sentences_about_profiles_tell_models_apart() -> None:
    first, second = sentences(profiles(PLAIN, HARDENED))
    assert first.startswith(
        "harbour, resnet20 (cifar10_resnet20): expected error 20.0 [19.0, 21.0]"
    )
    assert second.startswith("harbour, resnet20 (cifar10_resnet20_at): expected error 21.0")
    assert next(sentences(profiles(PLAIN))).startswith("harbour: expected error 20.0")


def test_tables_of_profiles_and_classes_are_headed_by_short_names(tmp_path: Path) -> None:
    given = profiles(PLAIN, HARDENED)
    seen = {"data": DATA, "stress": "clean", "label": 0, "name": "cat", "top1": 50.0, "n": 9}
    given["per_class"] = [
        {"model": m, "low": 20.0, "high": 80.0, **seen} for m in (PLAIN, HARDENED)
    ]
    found = blocks_of(FakeView(tmp_path, given))
    heads = [block.text for block in found["profile"] if isinstance(block, Heading)]
    names = [f"resnet20 ({name})" for name in ("cifar10_resnet20", "cifar10_resnet20_at")]
    assert heads == [f"harbour: {name}" for name in names]
    table = next(block for block in found["profile"] if isinstance(block, Table))
    assert table.columns[-1].text == "in the worst mixture %"
    captions = [block.caption for block in found["classes"] if isinstance(block, Table)]
    assert [caption.partition(": Top-1")[0] for caption in captions] == names


def test_shares_of_the_expected_error_are_weighted_and_sum_to_all(tmp_path: Path) -> None:
    given = profiles(PLAIN)
    conditions = [("day", 0.9, 10.0, 0.8), ("night", 0.1, 60.0, 0.2)]
    given["profiles"][0]["conditions"] = [
        {"name": n, "stress": n, "probability": p, "error": e, "worst_for_error": w}
        for n, p, e, w in conditions
    ]
    found = blocks_of(FakeView(tmp_path, given))["profile"]
    (table,) = (block for block in found if isinstance(block, Table))
    assert [[entry.text for entry in line.entries] for line in table.groups[0].rows] == [
        ["day", "day", "90.0", "10.0", "60.0", "80.0"],
        ["night", "night", "10.0", "60.0", "40.0", "20.0"],
    ]


def test_warnings_call_models_as_tables_do() -> None:
    told = {"model": HARDENED, "stress": "pgd", "flag": "nan_gradient", "text": "look"}
    run = {"models": [{"spec": PLAIN}, {"spec": HARDENED}], "warnings": [told]}
    (said,) = warnings({"run": run})
    assert said == "resnet20 (cifar10_resnet20_at): nan_gradient: look (seen by pgd)"


def test_budgets_that_fool_nothing_are_named_by_themselves() -> None:
    def rate(stress: str, variant: str, value: float) -> dict[str, Any]:
        return row(MODEL, stress, "transfer_rate", value, source=MODEL, variant=variant)

    some = "pgd(eps=[1/255, 8/255])"
    rows = [rate(some, "", 8.0), rate(some, "eps=1/255", 0.0), rate(some, "eps=8/255", 16.0)]
    assert [one["stress"] for one in fools_nothing(rows)] == ["pgd(eps=1/255)"]
    none = [rate(some, variant, 0.0) for variant in ("", "eps=1/255", "eps=8/255")]
    assert [one["stress"] for one in fools_nothing(none)] == [some]


def test_tables_have_no_line_without_a_number(tmp_path: Path) -> None:
    given = {"run": {"models": [{"spec": MODEL}]}, "rows": [
        row(MODEL, "clean", "top1", 80.0),
        row(MODEL, "clean", "ece", 5.0),
        row(MODEL, "imagenet_c", "mce", 70.0),
    ]}  # fmt: skip
    found = blocks_of(FakeView(tmp_path, given))

    def lines(section: str) -> list[str]:
        table = next(block for block in found[section] if isinstance(block, Table))
        return [line.entries[0].text for group in table.groups for line in group.rows]

    assert lines("calibration") == ["clean"]
    assert lines("results") == ["clean", "imagenet_c"]


def test_what_was_made_on_another_model_is_no_accuracy_of_the_overview(tmp_path: Path) -> None:
    rows = [row(model, "sis", "top1", 70.0) for model in (MODEL, OTHER)]
    made = row(OTHER, "sis", "top1", 10.0, source=MODEL)
    given = {"run": {"models": [{"spec": MODEL}, {"spec": OTHER}]}, "rows": [*rows, made]}
    assert [c.source for c in cells(given) if isinstance(c, Cell)].count(MODEL) == 1
    found = blocks_of(FakeView(tmp_path, given))["overview"]
    (chart,) = [block for block in found if isinstance(block, Figure)]
    assert [p["value"] for p in chart.spec["datasets"]["points"]] == [70.0, 70.0]


def test_slices_of_two_models_are_open_and_of_more_folded_whole(tmp_path: Path) -> None:
    two = blocks_of(fake_view(tmp_path, models=(MODEL, OTHER)))["slices"]
    assert [type(block) for block in two] == [Table, Text, Table, Text]
    third = blocks_of(fake_view(tmp_path, models=(MODEL, OTHER, "demo/third")))["slices"]
    assert [type(block) for block in third] == [Table, Text, Table, Text, Fold]
    assert isinstance(third[-1], Fold)
    assert [type(block) for block in third[-1].blocks] == [Table, Text]


def test_commands_can_be_given_again_and_lists_can_be_read(tmp_path: Path) -> None:
    view = fake_view(tmp_path)
    command = ["roadworthy", "run", "-m", PLAIN, "-d", "csv:my photos.csv", "-s", "pgd(eps=1/255)"]
    view.runs[0]["command"] = command
    view.summary["run"]["models"][0]["mean"] = [0.485, 0.456, 0.406]
    facts = {b.title: dict(b.pairs) for b in blocks_of(view)["provenance"] if isinstance(b, Facts)}
    assert shlex.split(facts["Invocation"]["command"]) == command
    assert facts["Run"]["stresses"].startswith("clean; gaussian_noise(severity=1..5); translate; ")
    assert facts["Model"]["mean"] == "0.485 0.456 0.406"


def test_distances_are_drawn_from_zero_on() -> None:
    def domain(*values: float, segments: tuple[Segment, ...] = ()) -> list[float]:
        points = [
            {"label": "a", "series": "", "x": float(i), "value": v, "text": "", "n": 1}
            for i, v in enumerate(values)
        ]
        spec = scatter(points, x="x", y="y", segments=segments)
        found: list[float] = spec["layer"][-1]["encoding"]["y"]["scale"]["domain"]
        return found

    assert domain(0.0, 100.0) == [0.0, 108.0]
    assert domain(50.0, 60.0) == [49.2, 60.8]
    assert domain(0.0, 1.0, segments=(Segment((0.0, -1.0), (1.0, 1.0)),)) == [-1.16, 1.16]
    assert domain(2.0) == [1.84, 2.16]


def test_scores_of_the_trade_off_are_called_as_tables_head_them() -> None:
    def score(label: str, kind: str, *values: float) -> dict[str, Any]:
        return {"label": label, "kind": kind, "values": {"a": [values[0]], "b": [values[1]]}}

    attacked = "pgd(eps=[2/255, 8/255])"
    found = {
        "scores": [
            score("top1 · clean", "natural", 80.0, 70.0),
            score(f"curve_area · {attacked}", "adversarial", 10.0, 40.0),
        ],
        "models": [{"model": model, "group": "normal"} for model in "ab"],
    }
    (chart,) = tradeoff_figures({"tradeoff": found})
    axes = chart.spec["layer"][-1]["encoding"]
    assert axes["x"]["title"] == "top-1 %, clean"
    assert axes["y"]["title"] == f"area %, {attacked}"
    tables = tradeoff_tables({"tradeoff": found})
    assert tables is not None
    assert tables.scores == ["top-1 %, clean", f"area %, {attacked}"]


def test_long_names_keep_their_ends() -> None:
    models = [PLAIN, HARDENED]
    assert list(model_names(models, 24).values()) == [
        "resnet20 (ci…0_resnet20)",
        "resnet20 (ci…esnet20_at)",
    ]


def test_a_leaderboard_sets_side_by_side_what_is_of_the_same_images(tmp_path: Path) -> None:
    """Two models on the photographs, one of them and a third on sketches."""
    judged = [(MODEL, "photos", 80.0), (OTHER, "photos", 70.0), ("demo/third", "sketches", 60.0)]
    rows = [
        row(model, stress, metric, value - 10 * (metric == "ece"), data=data)
        for model, data, value in [(MODEL, "sketches", 50.0), *judged]
        for stress, metric in (("clean", "top1"), ("clean", "ece"))
    ]
    models = (MODEL, OTHER, "demo/third")
    given = {"run": {"models": [{"spec": model} for model in models]}, "rows": rows}
    (table,) = blocks_of(FakeView(tmp_path, given))["leaderboard"]
    assert isinstance(table, Table)
    heads = [column.text for column in table.columns]
    assert heads == ["model", "top-1 % on sketches", "top-1 % on photos", "ECE %"]
    assert "What names no data is of sketches." in table.caption
    lines = {
        line.entries[0].text: [e.text for e in line.entries[1:]] for line in table.groups[0].rows
    }
    assert list(lines.values()) == [
        ["60.0", "–", "50.0"],
        ["50.0", "80.0", "40.0"],
        ["–", "70.0", "–"],
    ]
