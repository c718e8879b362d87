"""Models that say less: what they say, that no more can be had from it, and what runs on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import write_pictures
from tiny_networks import Means, Plain, seeded
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.engine.options import Options
from roadworthy.engine.verdict import OF_SCORES
from roadworthy.errors import RoadworthyError
from roadworthy.evaluation import prepare
from roadworthy.models.check.examine import check
from roadworthy.models.expectation import averaged
from roadworthy.models.gradient import value_and_gradient
from roadworthy.models.precision import in_precision
from roadworthy.models.randomness import drawn
from roadworthy.models.silent import Answer, silent
from roadworthy.models.wrap import wrap
from roadworthy.report.html import render
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.types import Classes, Classifier, Need, with_implied

ANSWERS: tuple[Answer, ...] = ("labels", "probabilities")
NETS = """
from torch import Tensor, nn

class Means(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 8 * x.mean(dim=(2, 3))

def means() -> nn.Module:
    return Means()
"""


class Scaled(nn.Module):
    """Channel means times ``scale``; NaN for one class where an image is black."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.means, self.scale = Means(3), scale

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.scale * self.means(x)
        black = x.amax(dim=(1, 2, 3)) == 0
        z[black, 1] = torch.nan
        return z


def scaled(scale: float) -> Classifier:
    return wrap(Scaled(scale), size=8, name="scaled")


def batch(count: int = 6) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(4))


def network() -> Classifier:
    return wrap(seeded(Plain()), size=8, name="plain")


def test_a_label_is_all_that_labels_only_says() -> None:
    model, inner, x = silent(network(), "labels"), network(), batch()
    logits = model.logits(x)
    assert logits.sum(1).tolist() == [1.0] * 6
    assert set(logits.flatten().tolist()) == {0.0, 1.0}
    assert logits.argmax(1).tolist() == inner.logits(x).argmax(1).tolist()
    assert len(set(inner.logits(x).argmax(1).tolist())) > 1
    # the same label from other logits: nobody sees the difference
    assert torch.equal(
        silent(scaled(3.0), "labels").logits(x), silent(scaled(9.0), "labels").logits(x)
    )


def test_probabilities_are_all_that_probabilities_only_says() -> None:
    model, inner, x = silent(network(), "probabilities"), network(), batch()
    logits = model.logits(x)
    torch.testing.assert_close(logits.exp(), inner.logits(x).softmax(1))
    torch.testing.assert_close(logits.exp().sum(1), torch.ones(6))
    goal = Goal(inner.logits(x).argmax(1))
    torch.testing.assert_close(margin(logits, goal), margin(inner.logits(x), goal))
    # a shift of all logits is gone; far below what a float32 probability can be nothing is left
    sure = silent(scaled(1e4), "probabilities").logits(x)
    lowest = sure.amin(1)
    assert lowest.tolist() == pytest.approx([np.log(np.finfo(np.float32).tiny)] * 6)
    assert sure.amax(1).tolist() == [0.0] * 6


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_gradient_gets_out(answer: Answer) -> None:
    model, x = silent(network(), answer), batch().requires_grad_()
    assert not model.logits(x).requires_grad
    with pytest.raises(RoadworthyError, match="gives no gradient"):
        value_and_gradient(model, margin, batch(), Goal(torch.zeros(6, dtype=torch.long)))


@pytest.mark.parametrize("answer", ANSWERS)
def test_where_the_model_answers_nothing_neither_does_this(answer: Answer) -> None:
    x = batch()
    x[2] = 0.0
    logits = silent(scaled(1.0), answer).logits(x)
    assert logits.isnan().all(1).tolist() == [False, False, True, False, False, False]
    assert logits[[0, 1, 3, 4, 5]].isfinite().all()


def test_what_follows_from_what_a_model_gives() -> None:
    gives = {answer: silent(network(), answer).gives for answer in ANSWERS}
    assert gives == {
        "labels": {Need.LABELS},
        "probabilities": {Need.PROBABILITIES, Need.LABELS},
    }
    assert with_implied(frozenset({Need.LOGITS})) == {
        Need.LOGITS,
        Need.PROBABILITIES,
        Need.LABELS,
    }
    assert with_implied(frozenset({Need.PROBABILITIES})) == gives["probabilities"]
    assert with_implied(frozenset({Need.LABELS})) == {Need.LABELS}
    assert with_implied(frozenset({Need.GRADIENT})) == {Need.GRADIENT}


def test_it_is_a_model_of_its_own() -> None:
    inner = network()
    ids = {inner.id, *(silent(inner, a).id for a in ANSWERS), silent(scaled(1.0), "labels").id}
    assert len(ids) == 4
    background = wrap(Means(5), size=8, classes=Classes(4, tuple("abcd"), offset=1))
    model, x = silent(background, "labels"), batch()
    assert model.classes == Classes(4, tuple("abcd"))
    assert torch.equal(model.logits(x).argmax(1), background.logits(x).argmax(1))
    coarse = in_precision(silent(inner, "probabilities"), "bf16").logits(x)
    assert torch.equal(coarse.exp() > 0.1, in_precision(inner, "bf16").logits(x).softmax(1) > 0.1)
    assert not torch.equal(coarse, silent(inner, "probabilities").logits(x))


def test_the_draws_of_a_random_model_reach_it() -> None:
    class Shaky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(dim=(2, 3)) + torch.rand(len(x), 3)

    model, x = silent(averaged(wrap(Shaky(), size=8, name="shaky"), 2), "probabilities"), batch()
    one, other = drawn(model, "one"), drawn(model, "other")
    assert not torch.equal(one.logits(x), other.logits(x))
    assert torch.equal(one.logits(x), drawn(model, "one").logits(x))


def test_specs_name_them_and_attacks_that_need_more_say_why_they_do_not_run(tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    nets.write_text(NETS)
    inner = f"torch:{nets}:means(size=8)"
    models = [inner, f"probabilities_only( {inner} )", f"labels_only({inner})"]
    assert rw.load(models[1]).spec == f"probabilities_only({inner})"  # type: ignore[attr-defined]
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"
    stresses = ["fgsm(eps=32/255)", "square(eps=32/255, queries=5)"]
    run = rw.evaluate(models, data, stresses, out=tmp_path / "out")
    unavailable = {(u["model"], u["stress"]): u["reason"] for u in run.summary["unavailable"]}
    says = "needs {}, which the model does not give"
    assert unavailable == {
        (f"probabilities_only({inner})", stresses[0]): says.format("gradient"),
        (f"labels_only({inner})", stresses[0]): says.format("gradient"),
        (f"labels_only({inner})", stresses[1]): says.format("probabilities"),
    }
    rows = run.rows().filter(stress=stresses[1], model=f"probabilities_only({inner})")
    whole = run.rows().filter(stress=stresses[1], model=inner)
    assert len(rows) == 6
    for column in ("pred", "success", "steps_used"):
        assert rows.sort("sample")[column].to_list() == whole.sort("sample")[column].to_list()
    used = rows["steps_used"].fill_null(0)  # nothing is asked about images that are wrong
    assert rows["queries"].to_list() == used.to_list()  # nor is such a model ever asked ahead
    assert whole["queries"].sum() > whole["steps_used"].sum()
    clean = run.rows().filter(stress="clean")
    by_model = [frame["pred"].to_list() for frame in clean.sort("sample").partition_by("model")]
    assert by_model[0] == by_model[1] == by_model[2]


def test_a_score_attack_beside_others_is_not_available_on_labels(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"
    model = silent(wrap(Means(3), size=16, name="means"), "labels")
    asked = ["square(eps=32/255, queries=5)", "hopskipjump(queries=100)"]
    asked += ["hopskipjump(queries=100, target=second)", "boundary(queries=40, target=least)"]
    run = rw.evaluate(model, data, asked, out=tmp_path / "out")
    needs = "needs probabilities, which the model does not give"
    said = {u["stress"]: u["reason"] for u in run.summary["unavailable"] if needs in u["reason"]}
    assert said == {
        asked[0]: needs,
        "hopskipjump(target=second, queries=100)": f"target=second {needs}",
        "boundary(target=least, queries=40)": f"target=least {needs}",
    }
    assert set(run.rows()["stress"]) == {"clean", asked[1]}
    assert run.metric("success_rate", stress=asked[1]).value == 100.0
    # what follows from labels is shown, without a confidence
    shown = [one for one in run.summary["images"] if one["stress"] == asked[1]]
    right = run.rows().filter(stress="clean")["correct"].to_list().count(True)
    assert [one["kind"] for one in shown] == ["flipped"] * right
    assert all(one["conf"] is None for one in shown)
    assert len(shown) > 1
    assert "labels_only" in render(run)
    for one in (asked[0], asked[2]):
        with pytest.raises(rw.UsageError, match=r"can run on none of the models: .*probabilities"):
            rw.evaluate(model, data, one, out=tmp_path / "other")


def test_of_several_targets_those_run_that_labels_suffice_for(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"
    model = silent(wrap(Means(3), size=16, name="means"), "labels")
    run = rw.evaluate(
        model, data, "hopskipjump(queries=60, target=[random, least])", out=tmp_path / "out"
    )
    attacked = run.rows().filter(pl.col("stress") != "clean")
    assert set(attacked["variant"]) == {"target=random"}
    needs = "target=least needs probabilities, which the model does not give"
    lost = {"stress": "hopskipjump(target=least, queries=60)", "reason": needs}
    assert sum(lost.items() <= entry.items() for entry in run.summary["unavailable"]) == 1


def test_of_a_label_no_confidence_and_no_rank_is_recorded(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"
    nets = tmp_path / "nets.py"
    nets.write_text(NETS)
    inner = f"torch:{nets}:means(size=16)"
    stresses = [
        "clean",
        "resizer(resize=opencv-nearest)",
        "translate(frames=3)",
        "fgsm(eps=64/255)",
        "sis(threshold=0.34, schedule=geometric, deletion=0, draws=1)",
    ]
    models = [inner, f"labels_only({inner})", f"probabilities_only({inner})"]
    run = rw.evaluate(models, data, stresses, out=tmp_path / "out", transfer=True)
    rows = run.rows()
    bare = rows.filter(pl.col("model").str.starts_with("labels_only"))
    told = rows.filter(~pl.col("model").str.starts_with("labels_only"))
    assert set(bare["stress"]) == set(told["stress"])
    assert len(set(told["stress"])) == len(stresses)
    for column in OF_SCORES:
        assert bare[column].null_count() == len(bare), column
        assert told[column].null_count() < len(told), column
    for column in ("pred", "correct", "frames_pred", "frames_flip", "success"):
        assert bare[column].null_count() < len(bare), column
    found = {row["metric"] for row in run.summary["rows"] if row["model"].startswith("labels_only")}
    assert {"top1", "transfer_rate", "flip_probability", "agreement"} <= found
    said = {row["metric"] for row in run.summary["rows"]}
    made_up = {"top5", "ece", "brier", "nll", "aurc", "mean_kl", "zipf_distance", "t5d"}
    made_up |= {"subset_confidence", "sufficient_rate"}
    assert made_up <= said
    assert not made_up & found
    framed = {entry["model"] for entry in run.summary["frames"]}
    assert framed == set(models)
    assert "labels_only" in render(run)


def test_nobody_learns_probabilities_from_labels() -> None:
    inner = silent(network(), "labels")
    assert silent(inner, "probabilities").gives == {Need.LABELS}
    assert silent(inner, "labels").gives == {Need.LABELS}
    assert silent(silent(network(), "probabilities"), "labels").gives == {Need.LABELS}


def test_check_says_that_labels_are_no_logits(tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    nets.write_text(NETS)
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=4)}"
    inner = f"torch:{nets}:means(size=16)"
    found = {one.name: one for one in check(f"labels_only({inner})", data).findings}
    assert found["outputs"].verdict == "skipped"
    assert "labels alone" in found["outputs"].sentence
    assert {one.name: one for one in check(inner, data).findings}["outputs"].verdict == "ok"


def test_records_of_labels_alone_are_not_those_with_scores(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"
    model = wrap(Means(3), size=16, name="means")
    both = [replace(model, gives=frozenset({need})) for need in (Need.LABELS, Need.LOGITS)]
    requests = {prepare(one, data, ["clean"], Options()).plan.cells[0].request for one in both}
    assert len(requests) == 2
