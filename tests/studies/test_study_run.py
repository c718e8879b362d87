"""The survey of a real run agrees with the metrics of its models, and is on the page."""

from __future__ import annotations

import pytest
import torch
from engine_world import COLOURS, ColourNet, write_pictures

import roadworthy as rw
from roadworthy.report.html import render
from roadworthy.types import Classes, Classifier


def leaning(amount: float, *, training: str = "") -> Classifier:
    """Return a network that leans towards red, and so errs more the more it leans."""
    net = ColourNet()
    net.norm.bias.data = torch.tensor([amount, 0.0, 0.0])
    name, facts = f"leaning@{amount:g}", training or None
    return rw.wrap(net, size=16, name=name, classes=Classes(3, COLOURS), training=facts)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    folder = tmp_path_factory.mktemp("survey")
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=8)}"
    models = [leaning(0.0), leaning(0.15), leaning(0.3, training="at")]
    attacks = ["fmn(norm=Linf, steps=20)", "fgsm(eps=2/255)"]
    return rw.evaluate(models, data, attacks, out=folder / "out")


def values(run: rw.Run, stress: str, metric: str) -> dict[str, float]:
    rows = run.summary["rows"]
    return {
        row["model"]: row["value"]
        for row in rows
        if (row["stress"], row["metric"]) == (stress, metric)
    }


def test_the_points_are_what_the_metrics_say(run: rw.Run) -> None:
    mean, median = run.summary["survey"]
    assert (mean["statistic"], median["statistic"]) == ("mean", "median")
    stress = median["stress"]
    assert stress.startswith("fmn")
    clean, found = values(run, "clean", "top1"), {p["model"]: p for p in median["points"]}
    assert len({round(value, 3) for value in clean.values()}) == 3
    for model, change in values(run, stress, "median_linf").items():
        assert found[model]["y"] == pytest.approx(change, rel=1e-5)
        assert 100 * found[model]["accuracy"] == pytest.approx(clean[model])
    for model, rate in values(run, stress, "success_rate").items():
        assert 100 * found[model]["success"] == pytest.approx(rate)


def test_models_of_one_architecture_are_pairs_only_across_groups(run: rw.Run) -> None:
    found = run.summary["tradeoff"]
    groups = {m["model"]: m["group"] for m in found["models"]}
    assert sorted(groups.values()) == ["at", "normal", "normal"]
    ends = [(groups[p["before"]["model"]], groups[p["after"]["model"]]) for p in found["pairs"]]
    assert ends == [("normal", "at")] * 2
    clean = values(run, "clean", "top1")
    attacked = values(run, "fgsm(eps=2/255)", "robust_top1")
    for pair in found["pairs"]:
        before, after = pair["before"]["model"], pair["after"]["model"]
        changes = {one["score"]: one["change"] for one in pair["changes"]}
        assert changes["top1 · clean"] == pytest.approx(clean[after] - clean[before])
        (robust,) = (v for label, v in changes.items() if label.startswith("robust_top1 · fgsm"))
        assert robust == pytest.approx(attacked[after] - attacked[before])


def test_the_page_shows_the_survey(run: rw.Run) -> None:
    text = render(run)
    assert 'id="survey"' in text
    assert "line through" in text
