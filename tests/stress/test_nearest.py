"""The nearest of several searches is, image by image, the smallest change that any of them found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from attack_world import Tried, attacked, pictures
from boundary_world import SHAPE, Bare, curved, least, linear
from engine_world import ColourNet, colour_net, write_pictures
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.metrics.robustness import robustness_curve
from roadworthy.stress import play
from roadworthy.stress._attacks.estimate import passes_of
from roadworthy.stress.bound import stress
from roadworthy.stress.norm_names import Norm
from roadworthy.stress.watch import NEVER, Found

FAB, FMN = "fab_targeted(steps=3, restarts=2)", "fmn(steps=10)"
BOTH = f"nearest({FAB}, {FMN}, norm=Linf)"
FAILS = "eps_search(fgsm(eps=1e-9), doublings=0, bisections=0)"
COUNT = 12


def _tried(spec: str, **given: Any) -> Tried:
    model, x = curved(), pictures(COUNT)
    return attacked(spec, model, x, model.function(x).argmax(1), **given)


def _alone(member: str) -> str:
    return f"{member[:-1]}, norm=Linf)"


@pytest.mark.parametrize(
    ("norm", "members"),
    [
        ("Linf", "fab_targeted, fmn"),
        ("L2", "ddn, deepfool"),
        ("L1", "fab, ead"),
        ("L2", "ddn, eps_search(bim(eps=0.1, steps=3), bisections=8)"),
    ],
)
@pytest.mark.parametrize("aimed", [False, True], ids=["away", "at a target"])
def test_distances_on_a_linear_model_are_the_exact_ones(
    norm: Norm, members: str, aimed: bool
) -> None:
    generator = torch.Generator().manual_seed(5)
    weight = torch.randn((2, *SHAPE), generator=generator, dtype=torch.float64)
    model = linear(weight, -0.5 * weight.sum((1, 2, 3)))
    x = 0.5 + 0.3 * (torch.rand((5, *SHAPE), generator=generator, dtype=torch.float64) - 0.5)
    logits = model.function(x)
    labels, normal = logits.argmax(1), (weight[1] - weight[0]).numpy().ravel()
    gaps = logits.diff(dim=1).neg().ravel().tolist()
    exact = np.array([least(norm, x[i].numpy().ravel(), normal, gaps[i]) for i in range(5)])
    spec = f"nearest({members}, norm={norm})"
    found = attacked(spec, model, x, labels, targets=1 - labels if aimed else None)
    assert found.reached.all()
    assert (found.size.numpy() >= exact - 1e-6).all()
    assert (found.size.numpy() <= exact * 1.01).all(), found.size.numpy() / exact


def test_it_is_the_smallest_of_what_each_finds_by_itself_and_names_who_did() -> None:
    both, parts = _tried(BOTH), [_tried(_alone(member)) for member in (FAB, FMN)]
    sizes = torch.stack([part.size.masked_fill(~part.reached, torch.inf) for part in parts])
    assert sizes.isfinite().all(1).all()
    won = sizes.argmin(0)
    expected = torch.stack([parts[k].x[i] for i, k in enumerate(won.tolist())])
    assert torch.equal(both.x, expected)
    assert both.found.broken_by == tuple((FAB, FMN)[k] for k in won.tolist())
    assert {*both.found.broken_by} == {FAB, FMN}  # the pictures tell the members apart


def test_what_all_members_cost_is_counted() -> None:
    both, parts = _tried(BOTH), [_tried(_alone(member)) for member in (FAB, FMN)]
    fab, fmn = (part.counted for part in parts)
    looks = 2  # what each member found is looked at once
    assert (both.counted.forwards == fab.forwards + fmn.forwards + looks).all()
    assert (both.counted.backwards == fab.backwards + fmn.backwards).all()
    assert both.found.steps_used is not None
    used = [part.found.steps_used for part in parts]
    assert used[0] is not None
    assert used[1] is not None
    assert torch.equal(both.found.steps_used, used[0] + used[1])
    exact = _tried("nearest(fmn(steps=3), fmn(steps=4), norm=Linf)")
    assert passes_of(exact.stress) == (4 + 5 + looks, 3 + 4)
    assert (exact.counted.forwards == 4 + 5 + looks).all()
    assert (exact.counted.backwards == 3 + 4).all()


def test_the_first_success_is_that_of_the_first_member_with_one() -> None:
    both, fab, fmn = (_tried(spec) for spec in (BOTH, _alone(FAB), _alone(FMN)))
    assert both.found.step_success is not None
    assert fab.found.step_success is not None
    assert torch.equal(both.found.step_success, fab.found.step_success)
    after = _tried(f"nearest({FAILS}, fab_targeted(steps=1), {FMN}, norm=Linf)").found
    short = _tried("fab_targeted(steps=1, norm=Linf)")
    missed = ~short.reached
    assert missed.any()
    assert (~missed).any()
    assert after.step_success is not None
    assert short.found.steps_used is not None
    assert fmn.found.step_success is not None
    at = (1 + short.found.steps_used + fmn.found.step_success)[missed]  # 1 is that of fgsm
    assert torch.equal(after.step_success[missed], at)


def test_order_decides_nothing_but_whose_name_equal_changes_get() -> None:
    one, other = _tried(BOTH), _tried(f"nearest({FMN}, {FAB}, norm=Linf)")
    assert torch.equal(one.x, other.x)
    assert one.found.broken_by == other.found.broken_by
    twice = _tried(f"nearest({FMN}, nearest({FMN}), norm=Linf)")
    assert twice.found.broken_by == (FMN,) * COUNT


def test_a_nearest_of_nearests_is_that_of_all() -> None:
    nested = _tried(f"nearest(nearest({FAB}, {FMN}), deepfool, norm=Linf)")
    flat = _tried(f"nearest({FAB}, {FMN}, deepfool, norm=Linf)")
    assert torch.equal(nested.x, flat.x)


@pytest.mark.parametrize("members", [f"{FAILS}, {FMN}", f"{FMN}, {FAILS}"])
def test_a_member_that_fails_everywhere_spoils_nothing(members: str) -> None:
    found, alone = _tried(f"nearest({members}, norm=Linf)"), _tried(_alone(FMN))
    assert alone.reached.all()
    assert torch.equal(found.x, alone.x)
    assert found.found.broken_by == (FMN,) * COUNT


def test_images_that_no_member_breaks_stay_as_they_are() -> None:
    found = _tried(f"nearest({FAILS}, {FAILS[:-1]}, scan=2), norm=Linf)")
    assert torch.equal(found.x, found.clean)
    assert found.found.broken_by == (None,) * COUNT
    assert found.found.step_success is not None
    assert (found.found.step_success == NEVER).all()


def test_targets_are_those_of_all_members() -> None:
    model, x = curved(), pictures(COUNT)
    targets = (model.function(x).argmax(1) + 2) % 5
    found = _tried(f"nearest({FAB}, fmn(steps=60), norm=Linf)", targets=targets)
    assert (model.function(found.x).argmax(1) == targets)[found.reached].all()
    assert found.reached.double().mean() > 0.8
    away = _tried(f"nearest({FAB}, fmn(steps=60), norm=Linf)")
    assert (found.size > away.size + 1e-3)[found.reached].any()


def _moving(
    monkeypatch: pytest.MonkeyPatch, found: Mapping[str, Found], *, target: int | None = None
) -> Tried:
    """Run the nearest of fmn and deepfool, which find what is given for two images of zeros.

    Class 1 begins at 0.5 and class 2 at 0.8.
    """

    def given(this: play.Play, member: Any, rows: Tensor, **changes: Any) -> Found:
        return found[member.name]

    monkeypatch.setattr(play.Play, "__call__", given)
    first = torch.tensor([0.0, -0.5, -1.3], dtype=torch.float64)
    model = Bare(lambda x: x[:, 0, 0, :1] * torch.arange(3) + first)
    x, labels = torch.zeros((2, *SHAPE), dtype=torch.float64), torch.zeros(2).long()
    targets = None if target is None else torch.full_like(labels, target)
    return attacked("nearest(fmn, deepfool, norm=Linf)", model, x, labels, targets=targets)


def _at(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None, None, None].expand(-1, *SHAPE).clone()


def test_what_is_near_but_reaches_nothing_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _moving(monkeypatch, {"fmn": Found(_at(0.3, 0.9)), "deepfool": Found(_at(0.8, 0.1))})
    assert torch.equal(found.x, _at(0.8, 0.9))
    assert found.found.broken_by == ("deepfool", "fmn")


def test_another_class_than_the_target_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"fmn": Found(_at(0.6, 0.9)), "deepfool": Found(_at(0.95, 0.85))}
    found = _moving(monkeypatch, given, target=2)
    assert torch.equal(found.x, _at(0.95, 0.85))
    assert torch.equal(_moving(monkeypatch, given).x, _at(0.6, 0.85))


def test_warnings_of_all_members_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Found(_at(0.6, 0.6), flags=("few_classes",), nan_gradient=torch.tensor([True, False]))
    second = Found(_at(0.9, 0.9), flags=("saturated", "few_classes"))
    for found in (
        _moving(monkeypatch, {"fmn": first, "deepfool": second}),
        _moving(monkeypatch, {"fmn": second, "deepfool": first}),
    ):
        assert {*found.found.flags} == {"few_classes", "saturated"}
        assert len(found.found.flags) == 2
        assert found.found.nan_gradient is not None
        assert found.found.nan_gradient.tolist() == [True, False]


class Bent(nn.Module):
    """Colours, and on top of them a layer with bends that no straight line follows."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.colours = ColourNet()
        self.into = nn.Parameter(0.2 * torch.randn((16, 3 * 16 * 16), generator=generator))
        self.out = nn.Parameter(0.2 * torch.randn((3, 16), generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        bends = torch.tanh((x - 0.5).flatten(1) @ self.into.T) @ self.out.T
        return self.colours(x) + bends  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("nearest")
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=12)}"
    specs = [BOTH, _alone(FAB), _alone(FMN), f"cascade({FAB}, {FMN}, eps=1/255)"]
    return rw.evaluate(colour_net(Bent()), data, specs, out=folder / "run").rows()


def _of(rows: pl.DataFrame, spec: str) -> pl.DataFrame:
    return rows.filter(pl.col("stress") == stress(spec).spec).sort("sample")


def test_the_curve_is_that_of_the_smallest_distances(rows: pl.DataFrame) -> None:
    both, fab, fmn = (_of(rows, spec) for spec in (BOTH, _alone(FAB), _alone(FMN)))
    frame = pl.DataFrame({"both": both["linf"], "fab": fab["linf"], "fmn": fmn["linf"]})
    assert frame["both"].equals(
        frame.select(pl.min_horizontal("fab", "fmn")).to_series(), null_equal=True
    )
    assert (frame["fab"] < frame["fmn"]).any()
    assert (frame["fmn"] < frame["fab"]).any()
    budgets = np.linspace(0, 0.02, 20).tolist()
    ours, one, other = (
        np.array([point.estimate.value for point in robustness_curve(part, budgets)])
        for part in (both, fab, fmn)
    )
    assert (ours <= np.minimum(one, other)).all()
    clean = both["status"] == "clean_error"
    for budget, value in zip(budgets, ours, strict=True):
        broken = clean | ((frame["both"] <= budget) & (budget > 0)).fill_null(value=False)
        assert value == pytest.approx(100 * (1 - broken.mean()))


def test_the_worst_case_within_a_budget_is_read_off_it(rows: pl.DataFrame) -> None:
    both, fixed = _of(rows, BOTH), _of(rows, f"cascade({FAB}, {FMN}, eps=1/255)")
    read = robustness_curve(both, [1 / 255])[0].estimate.value
    assert read == robustness_curve(fixed, [1 / 255])[0].estimate.value
    assert read is not None
    assert 0 < read < 100


def test_records_name_the_member_and_no_one_for_images_that_were_wrong(rows: pl.DataFrame) -> None:
    both = _of(rows, BOTH)
    attacked_ones = both.filter(pl.col("status") == "ok")
    assert {*attacked_ones["broken_by"]} == {FAB, FMN}
    assert both.filter(pl.col("status") == "clean_error")["broken_by"].is_null().all()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nearest", "'nearest' needs 'members', for example nearest"),
        ("nearest(pgd, fmn)", r"'pgd' does not look for .*; write eps_search\(pgd\(eps=…\)\)"),
        ("nearest(fmn, cascade(fgsm, eps=0.1))", r"'cascade\(fgsm.*; write eps_search\(cascade\("),
        ("nearest(fmn, fog(severity=1))", "'fog.*; give attacks that do, such as fmn"),
        ("nearest(spatial)", "'spatial' does not look for .*; give attacks that do"),
        ("nearest(clever)", "'clever' does not look for .*; give attacks that do"),
        ("nearest(ddn, fmn)", r"'ddn' is not defined in norm Linf, only in L2; .*norm=L2\)"),
        ("nearest(ddn, fmn, norm=[L2, L1])", "'ddn' is not defined in norm L1, only in L2"),
        ("nearest(fmn(norm=L1), ddn, norm=L2)", "another norm than the whole, L2; give norm to ne"),
        ("nearest(fmn(norm=L2), fab)", "another norm than the whole, Linf; give norm to nearest"),
        ("nearest(fmn(steps=[1, 2]))", "has 2 variants; give one of each"),
        ("nearest(fmn(target=least))", "give the target to nearest, not to 'fmn"),
        ("nearest(fmn, eps=8/255)", "no parameter 'eps'"),
        ("nearest(fmm)", "no stress is called 'fmm'"),
    ],
)
def test_members_that_cannot_be_are_named(spec: str, message: str) -> None:
    with pytest.raises(rw.UsageError, match=message):
        stress(spec)


def test_members_take_the_norm_from_the_whole() -> None:
    bound = stress("nearest(fmn, fab(norm=L1), norm=L1)")
    assert [one.settings[0].arguments["norm"] for one in bound.members] == ["L1", "L1"]
    assert stress("nearest(fmn, fab, norm=L1)").digest == bound.digest
    both = stress("nearest(fmn, fab, norm=[L1, L2])")
    assert [one.key for one in both.settings] == ["norm=L1", "norm=L2"]


def test_a_model_without_gradients_is_told_so(tmp_path: Path) -> None:
    from roadworthy.models.equalise import equalising

    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=1)}"
    blunt = equalising(colour_net(), 2.0, 2)
    with pytest.raises(rw.UsageError, match="gradient"):
        rw.evaluate(blunt, data, BOTH, out=tmp_path / "run")
