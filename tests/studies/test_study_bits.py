"""What is left along each axis, from rows written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from roadworthy.report.bits import bit_tables, lines
from roadworthy.studies.bits import bits

FLOAT, FEW = "net", "quantized(net, bits=4)"
SUITE = {
    "spec": "robustmq",
    "derives": True,
    "factors": {
        "corruptions": ["fog(severity=3)", "snow"],
        "attacks": ["fgsm(eps=1/255)", "pgd(eps=[1/255, 2/255])"],
        "systematic": ["resizer(resize=[a, b])", "yuv"],
    },
}


def run(**more: Any) -> dict[str, Any]:
    models = [{"spec": FLOAT, "origin": ""}, {"spec": FEW, "origin": FLOAT, "called": "4 bits"}]
    return {"suites": [SUITE], "models": models, **more}


def row(
    model: str, stress: str, value: float | None, variant: str = "", **more: Any
) -> dict[str, Any]:
    attack = stress.startswith(("fgsm", "pgd"))
    known = {"data": "d", "source": None, "metric": "robust_top1" if attack else "top1", "n": 50}
    ends = {"low": None, "high": None} if value is None else {"low": value - 1, "high": value + 1}
    return {
        "model": model,
        "stress": stress,
        "variant": variant,
        "value": value,
        **known,
        **ends,
        **more,
    }


def of_model(model: str, lower: float = 0.0) -> list[dict[str, Any]]:
    rows = [
        row(model, "clean", 90 - lower),
        row(model, "fog(severity=3)", 70 - lower, "severity=3"),
        row(model, "snow", 45 - lower),  # over all severities: not counted beside these
        row(model, "snow", 60 - lower, "severity=1"),
        row(model, "snow", 30 - lower, "severity=5"),
        row(model, "fgsm(eps=1/255)", 40 - lower, "eps=1/255"),
        row(model, "pgd(eps=[1/255, 2/255])", 33 - lower, "eps=1/255"),
        row(model, "pgd(eps=[1/255, 2/255])", 22 - lower, "eps=2/255"),
        row(model, "resizer(resize=[a, b])", 80 - lower, "resize=a"),
        row(model, "resizer(resize=[a, b])", 65 - lower, "resize=b"),
        row(model, "yuv", 86 - lower, "layout=nv12"),
        row(model, "clean", 1.0, metric="ece"),
        row(model, "other", 0.5),
    ]
    return [*rows, row(model, "yuv", None, "layout=x")]


def handed(value: float) -> dict[str, Any]:
    return row(FEW, "fgsm(eps=1/255)", value, "eps=1/255", source=FLOAT)


def scores(found: list[dict[str, Any]], called: str) -> dict[str, float]:
    (line,) = [one for one in found[0]["lines"] if one["called"] == called]
    return {one["axis"]: one["value"] for one in line["scores"]}


def test_means_and_least_ones_are_over_what_stands_for_itself() -> None:
    found = bits([run()], [*of_model(FLOAT), *of_model(FEW, 5), handed(12), handed(30)])
    assert [one["model"] for one in found] == [FLOAT]
    assert scores(found, "float") == pytest.approx(
        {
            "clean": 90,
            "corruptions": (70 + 60 + 30) / 3,
            "attacked": 22,
            "systematic": (80 + 65 + 86) / 3,
            "worst": 65,
        }
    )
    few = scores(found, "4 bits")
    assert few["attacked"] == 17
    assert few["handed_on"] == 12
    (line,) = [one for one in found[0]["lines"] if one["called"] == "4 bits"]
    of = {one["axis"]: (one["of"], one["low"], one["n"]) for one in line["scores"]}
    assert of["attacked"] == ("pgd(eps=[1/255, 2/255]) eps=2/255", 16, 50)
    assert of["worst"] == ("resizer(resize=[a, b]) resize=b", 59, 50)
    assert of["clean"] == ("", 84, 50)
    assert of["corruptions"] == ("", None, 50)


def test_what_a_model_makes_for_itself_is_not_handed_on() -> None:
    own = [{**one, "source": one["model"]} for one in of_model(FEW, 5) if one["metric"] != "top1"]
    found = bits([run()], [*of_model(FLOAT), *own])
    assert scores(found, "4 bits")["attacked"] == 17
    assert "handed_on" not in scores(found, "4 bits")


def test_a_precision_is_the_same_model() -> None:
    rows = [{**one, "model": f"{one['model']} [bf16]"} for one in of_model(FEW, 5)]
    assert scores(bits([run()], [*of_model(FLOAT), *rows]), "4 bits")["clean"] == 85


def test_without_such_a_suite_or_such_models_there_is_nothing() -> None:
    rows = [*of_model(FLOAT), *of_model(FEW)]
    assert bits([run(suites=[{**SUITE, "derives": False}])], rows) == []
    assert bits([run(suites=[])], rows) == []
    assert bits([run(models=[{"spec": FLOAT}, {"spec": FEW}])], rows) == []
    assert bits([run()], of_model(FLOAT)) == []  # nothing to compare with yet
    assert bits([{}], rows) == []


def test_each_data_set_has_its_own_table() -> None:
    rows = [*of_model(FLOAT), *of_model(FEW, 5)]
    other = [{**one, "data": "e", "value": one["value"] and one["value"] / 2} for one in rows]
    found = bits([run(), run()], [*rows, *other])
    assert [one["data"] for one in found] == ["d", "e"]
    tables = bit_tables({"bits": found})
    assert [table.title for table in tables] == ["robustmq: net · d", "robustmq: net · e"]
    text = list(lines({"bits": found}))
    assert text[1] == "robustmq: net · d"
    assert text[2].split("  ")[-1].strip() == "worst %"
    assert text[3].split() == ["float", "90.0", "53.3", "22.0", "77.0", "65.0"]
    assert text[4].split() == ["4", "bits", "85.0", "48.3", "17.0", "72.0", "60.0"]


def test_a_damaged_summary_says_nothing() -> None:
    assert bit_tables({}) == []
    assert bit_tables({"bits": "x"}) == []
    assert list(lines({"bits": [{"lines": [{"scores": [{"axis": "clean"}]}]}]}))
