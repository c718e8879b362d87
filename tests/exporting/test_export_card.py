from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from export_fakes import DATA, MODEL, OTHER, row, summary

from roadworthy.errors import UsageError
from roadworthy.exporting.card import MARK, card
from roadworthy.exporting.choice import Choice, chosen
from roadworthy.exporting.files import write_card
from roadworthy.exporting.headline import headline


class Strict(yaml.SafeLoader):
    """YAML as the Hub reads it, and no key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice: {keys}"
        return super().construct_mapping(node, deep)


def written(given: Any, choice: Choice | None = None) -> str:
    told = chosen(given, choice or Choice())
    return card(told, choice or Choice(), headline(told, choice))


def index(text: str) -> Any:
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert found is not None
    front = yaml.load(found[1], Strict)
    assert list(front) == ["model-index"]
    return front["model-index"]


def test_the_front_matter_has_the_fields_of_the_hub() -> None:
    (one,) = index(written(summary()))
    assert sorted(one) == ["name", "results"]
    assert one["name"] == MODEL
    for result in one["results"]:
        assert result["task"] == {"type": "image-classification", "name": "Image Classification"}
        assert result["dataset"]["type"] == "val_set"
        assert result["dataset"]["name"] == "imagefolder:…/val_set"
        for metric in result["metrics"]:
            assert sorted(metric) == ["args", "name", "type", "value"]
            assert isinstance(metric["value"], float)
            assert math.isfinite(metric["value"])


def test_values_and_intervals_are_those_of_the_summary() -> None:
    (one,) = index(written(summary()))
    found = {
        (result["dataset"].get("config", "clean"), metric["args"]["metric"]): metric
        for result in one["results"]
        for metric in result["metrics"]
    }
    assert "config" not in one["results"][0]["dataset"]
    clean = found["clean", "top1"]
    assert (clean["type"], clean["name"], clean["value"]) == ("accuracy", "top-1 (%)", 87.5)
    args = {"metric": "top1", "version": 1, "low": 73.9, "high": 94.54, "confidence": 0.95, "n": 40}
    assert clean["args"] == args
    small = found["fmn(norm=L2, steps=20)", "median_l2"]
    assert (small["type"], small["value"]) == ("median_l2", 0.00012)
    assert small["args"]["version"] == 2
    assert found["fog(severity=2)", "drop"]["value"] == -2.5
    assert found["imagenet_c", "mce"]["value"] == 76.7
    # what has no value is no result
    assert not any(config.startswith("cw") for config, _ in found)
    assert ("clean", "nll") not in found


def test_a_choice_of_metrics_is_all_that_there_is() -> None:
    choice = Choice(metrics=("nll",))
    (one,) = index(written(summary(), choice))
    (result,) = one["results"]
    assert [m["type"] for m in result["metrics"]] == ["nll"]


def test_the_hub_client_reads_the_same() -> None:
    hub = pytest.importorskip("huggingface_hub", reason="no huggingface_hub")
    text = written(summary(OTHER))
    read = hub.ModelCard(text).data
    assert read.model_name == "two (second_5%)"
    metrics = [m for r in index(text)[0]["results"] for m in r["metrics"]]
    assert [one.metric_value for one in read.eval_results] == [m["value"] for m in metrics]
    assert [one.metric_args for one in read.eval_results] == [m["args"] for m in metrics]


def test_a_card_is_about_one_model() -> None:
    with pytest.raises(UsageError, match=re.escape("'demo/one', 'two (second_5%)'; name one")):
        written(summary(MODEL, OTHER))
    with pytest.raises(UsageError, match="here is nothing"):
        written({"rows": []})
    (one,) = index(written(summary(MODEL, OTHER), Choice(model="two")))
    assert one["name"] == "two (second_5%)"


def test_names_in_any_script_and_no_folders_of_the_user() -> None:
    evil = "torch:/home/me/ネット.py:猫(checkpoint=\"/home/me/a: b & 'c'.pt\")"
    text = written(summary(evil))
    assert index(text)[0]["name"] == "猫 (a: b & 'c')"
    assert "猫" in text
    assert "/home/me" not in text
    assert DATA not in text


def test_data_sets_of_one_name_are_told_apart() -> None:
    rows = [row("clean", "", "top1", value) for value in (90.0, 80.0, 70.0)]
    for one, data in zip(rows, ("csv:a/Val Set.csv", "csv:b/val-set.csv", "日本"), strict=True):
        one["data"] = data
    (one,) = index(written({"rows": rows}))
    assert [r["dataset"]["type"] for r in one["results"]] == ["val-set", "val-set-2", "data"]


def test_a_card_of_the_user_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    text = written(summary())
    write_card(path, "old" + text)
    write_card(path, text)
    assert path.read_text(encoding="utf-8") == text
    assert MARK in text
    path.write_text("# My model\n")
    with pytest.raises(UsageError, match="is a card of its own"):
        write_card(path, text)
    assert path.read_text() == "# My model\n"
