from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_world import COLOURS, colour_net, write_pictures

import roadworthy as rw
from roadworthy.data.labels import Relation
from roadworthy.engine.targets import target_of
from roadworthy.errors import SampleError
from roadworthy.types import Sample

CLEAN = np.array([0.5, 3.0, -1.0, 2.0, 2.0], np.float32)
SAME = Relation(np.arange(5, dtype=np.int32), None, "index", "")


def _aim(rule: str, *, label: int = 1, seed: int = 0, sample: str = "a", **columns: Any) -> Any:
    return target_of(rule, Sample(sample, label, "", columns=columns), label, CLEAN, SAME, seed)


def test_second_and_least_are_ranks_of_the_other_outputs_on_the_clean_image() -> None:
    assert _aim("none") is None
    assert (_aim("second"), _aim("least")) == (3, 2)  # of equal ones the first counts as larger
    assert (_aim("second", label=3), _aim("least", label=2)) == (1, 0)


def test_a_random_target_is_never_the_label_and_each_other_output_some_time() -> None:
    found = [_aim("random", label=2, sample=str(i)) for i in range(200)]
    assert set(found) == {0, 1, 3, 4}
    assert found == [_aim("random", label=2, sample=str(i)) for i in range(200)]
    assert found != [_aim("random", label=2, sample=str(i), seed=1) for i in range(200)]


def test_a_column_says_the_class_in_terms_of_the_data_set() -> None:
    reversed_ = Relation(np.array([4, 3, 2, 1, 0], np.int32), None, "name", "")
    sample = Sample("a", 0, "", columns={"goal": "3"})
    assert target_of("goal", sample, 4, CLEAN, reversed_, 0) == 1
    assert _aim("goal", goal=3) == 3


@pytest.mark.parametrize("value", ["", "red", "7", "-1", None, "1.5"])
def test_a_column_without_a_class_is_a_reason(value: object) -> None:
    with pytest.raises(SampleError, match=r"\"a\": its column 'goal' has no class to aim at"):
        _aim("goal", goal=value)


def test_a_target_that_is_the_label_is_a_reason() -> None:
    with pytest.raises(SampleError, match="\"a\": the target in column 'goal' is its label"):
        _aim("goal", goal=1)


def test_a_model_with_one_output_gives_nothing_to_aim_at() -> None:
    with pytest.raises(SampleError, match="one output"):
        target_of("random", Sample("a", 0, ""), 0, CLEAN[:1], SAME, 0)


@pytest.fixture
def table(tmp_path: Path) -> str:
    folder = write_pictures(tmp_path / "pictures", each=3)
    rows = ["file,label,goal"]
    for label, colour in enumerate(COLOURS):
        # The first picture of each colour aims at its own label, the second at nothing.
        goals = [str(label), "", str((label + 1) % 3)]
        rows += [f"{folder / colour / f'{i}.png'},{label},{goal}" for i, goal in enumerate(goals)]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    return f"csv:{tmp_path / 'table.csv'}"


def test_images_without_a_target_fail_with_the_reason_and_the_others_are_attacked(
    table: str, tmp_path: Path
) -> None:
    attack = "pgd(eps=0.1, steps=5, target=goal)"
    rows = rw.evaluate(colour_net(), table, attack, out=tmp_path / "out").rows()
    rows = rows.filter(pl.col("stress") != "clean").sort("sample")
    assert rows["status"].to_list() == ["failed", "failed", "ok"] * 3
    assert "is its label" in rows["reason"][0]
    assert "no class to aim at (it says '')" in rows["reason"][1]
    aimed = rows.filter(pl.col("status") == "ok")
    expected = [(label + 1) % 3 for label in aimed["label"]]
    assert aimed["target"].to_list() == expected
    assert aimed["pred"].to_list() == expected  # 0.1 is enough for these pictures
    assert aimed["success"].all()


def test_random_targets_are_the_same_for_every_attack_of_a_seed(table: str, tmp_path: Path) -> None:
    attacks = ["pgd(eps=2/255, steps=1, target=random)", "bim(eps=1/255, steps=2, target=random)"]
    rows = rw.evaluate(colour_net(), table, attacks, out=tmp_path / "out").rows()
    one, other = (
        rows.filter(pl.col("stress").str.starts_with(name)).sort("sample")["target"].to_list()
        for name in ("pgd", "bim")
    )
    assert one == other
    assert None not in one
    assert all(t != label for t, label in zip(one, [2] * 3 + [1] * 3 + [0] * 3, strict=True))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("secnd", "target=secnd; did you mean 'second'"),
        ("gaol", "target=gaol; did you mean 'goal'"),
        ("xyz", r"no rule \(none, random, second, least\) and no column of .*its columns are goal"),
    ],
)
def test_an_unknown_rule_is_refused_before_any_work(
    table: str, tmp_path: Path, target: str, message: str
) -> None:
    with pytest.raises(rw.UsageError, match=message):
        rw.evaluate(colour_net(), table, f"fgsm(eps=0.1, target={target})", out=tmp_path / "out")
    assert not list((tmp_path / "out").glob("records/*"))


def test_a_changed_target_is_another_request(table: str, tmp_path: Path) -> None:
    run = rw.evaluate(colour_net(), table, "fgsm(eps=0.1, target=goal)", out=tmp_path / "out")
    before = set(run.rows().filter(pl.col("stress") != "clean")["request"])
    path = Path(table.removeprefix("csv:"))
    path.write_text(path.read_text().replace("2.png,0,1", "2.png,0,2"))
    run = rw.evaluate(colour_net(), table, "fgsm(eps=0.1, target=goal)", out=tmp_path / "out")
    rows = run.rows().filter((pl.col("stress") != "clean") & (pl.col("status") == "ok"))
    assert not before & set(rows["request"])
    assert rows.filter(pl.col("label") == 0)["target"].to_list() == [2]
