"""A cascade is the worst case of its members, and says which broke what."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from attack_world import attacked, pictures
from boundary_world import curved
from engine_world import colour_net, write_pictures

import roadworthy as rw
from roadworthy.stress.bound import stress

EPS = "eps=12/255"
WEAK, STRONG = "pgd(steps=1, step=0.02)", "pgd(steps=8)"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    folder = tmp_path_factory.mktemp("cascade")
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=12)}"
    specs = [
        f"cascade({WEAK}, {STRONG}, {EPS})",
        f"cascade({STRONG}, {WEAK}, {EPS})",
        *(f"{name[:-1]}, {EPS})" for name in (WEAK, STRONG)),
    ]
    return rw.evaluate(colour_net(), data, specs, out=folder / "run")


def _rows(run: rw.Run, spec: str) -> pl.DataFrame:
    return run.rows().filter(pl.col("stress") == stress(spec).spec).sort("sample")


def _broken(run: rw.Run, spec: str) -> list[bool | None]:
    return _rows(run, f"{spec[:-1]}, {EPS})")["success"].to_list()


def test_it_breaks_what_any_member_breaks_and_names_the_first(run: rw.Run) -> None:
    rows = _rows(run, f"cascade({WEAK}, {STRONG}, {EPS})")
    weak, strong = _broken(run, WEAK), _broken(run, STRONG)
    expected = [None if w is None else w or s for w, s in zip(weak, strong, strict=True)]
    assert rows["success"].to_list() == expected
    named = [
        None if not (w or s) else (WEAK if w else STRONG) for w, s in zip(weak, strong, strict=True)
    ]
    assert rows["broken_by"].to_list() == named
    assert {*named} == {None, WEAK, STRONG}  # the pictures tell the members apart


def test_the_order_decides_who_is_named_but_not_what_breaks(run: rw.Run) -> None:
    one = _rows(run, f"cascade({WEAK}, {STRONG}, {EPS})")
    other = _rows(run, f"cascade({STRONG}, {WEAK}, {EPS})")
    assert one["success"].equals(other["success"])
    assert not one["broken_by"].equals(other["broken_by"])


def test_later_members_see_only_what_stands(run: rw.Run) -> None:
    rows = _rows(run, f"cascade({WEAK}, {STRONG}, {EPS})").filter(pl.col("status") == "ok")
    by_weak = rows.filter(pl.col("broken_by") == WEAK)
    standing = rows.filter(pl.col("broken_by").is_null())
    assert set(by_weak["backwards"]) == {1}
    assert set(standing["steps_used"]) == {1 + 8}
    assert set(standing["backwards"]) == {1 + 8}
    assert by_weak["step_success"].is_between(0, 1).all()
    assert by_weak["step_success"].null_count() == 0
    by_strong = rows.filter(pl.col("broken_by") == STRONG)
    assert by_strong["step_success"].is_between(1, 1 + 8).all()


def test_images_that_were_wrong_are_no_success_of_anybody(run: rw.Run) -> None:
    rows = _rows(run, f"cascade({WEAK}, {STRONG}, {EPS})")
    wrong = rows.filter(pl.col("status") == "clean_error")
    assert wrong["broken_by"].is_null().all()
    assert wrong["success"].is_null().all()


def test_a_norm_that_is_said_twice_is_said_once() -> None:
    once = stress("cascade(pgd, eps=1/255)")
    for twice in (
        "cascade(pgd(norm=Linf), eps=1/255)",
        "cascade(pgd(norm=Linf), eps=1/255, norm=Linf)",
    ):
        assert (stress(twice).spec, stress(twice).digest) == (once.spec, once.digest)


def test_members_take_budget_and_norm_from_the_whole() -> None:
    bound = stress("cascade(pgd(steps=3), eps=[1/255, 2/255], norm=L2)")
    assert bound.spec == "cascade(pgd(steps=3), eps=[1/255, 2/255], norm=L2)"
    assert [s.key for s in bound.settings] == ["eps=1/255", "eps=2/255"]
    (member,) = bound.members
    assert member.settings[0].arguments["eps"] == Fraction(1, 255)
    assert member.settings[0].arguments["norm"] == "L2"
    assert stress("cascade(pgd(steps=4), eps=1/255)").digest != stress(bound.spec).digest


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("cascade(eps=8/255)", "members"),
        ("cascade(fog(severity=1), eps=8/255)", "no attack"),
        ("cascade(certify, eps=8/255)", "'certify' is no attack"),
        ("cascade(pgd(eps=1/255), eps=8/255)", "another eps"),
        ("cascade(pgd(norm=L2), eps=8/255)", "another norm than the whole, Linf; give norm to cas"),
        ("cascade(pgd(norm=Linf), eps=1, norm=L2)", "another norm than the whole, L2"),
        ("cascade(pgd(norm=Linf), eps=1, norm=[Linf, L2])", "another norm than the whole, L2"),
        ("cascade(pgd(steps=[1, 2]), eps=8/255)", "2 variants"),
        ("cascade(pgd(target=least), eps=8/255)", "target"),
        ("cascade(pdg, eps=8/255)", "pgd"),
        (
            "cascade(fgsm, boundary, eps=8/255)",
            r"cascade: 'boundary' is not defined in norm Linf, only in L2; give cascade\(…, norm=L2",
        ),
        ("eps_search(patch)", "eps_search: 'patch'"),
        ("eps_search(boundary)", "eps_search: 'boundary' has no eps, it looks for the smallest"),
        (
            "eps_search(simba(eps=1/255), norm=L1)",
            "eps_search: .* not defined in norm L1, only in Linf, L2",
        ),
    ],
)
def test_members_that_cannot_be_are_named(spec: str, words: str) -> None:
    with pytest.raises(rw.UsageError, match=words):
        stress(spec)


def test_a_model_without_gradients_is_told_so(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=1)}"
    net = colour_net()
    with pytest.raises(rw.UsageError, match="gradient"):
        rw.evaluate(
            _without_gradient(net), data, "cascade(pgd(steps=1), eps=8/255)", out=tmp_path / "run"
        )


def _without_gradient(net: object) -> Any:
    from roadworthy.models.equalise import equalising

    return equalising(net, 2.0, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("eps", ["1/255", "2/255", "4/255", "8/255"])
def test_what_a_member_finds_on_the_very_edge_counts(eps: str, tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=12)}"
    specs = [f"pgd(eps={eps}, start=none)", f"cascade(pgd(start=none), eps={eps})"]
    run = rw.evaluate(colour_net(), data, specs, out=tmp_path / "run")
    alone, together = (_rows(run, spec)["success"] for spec in specs)
    assert together.equals(alone)
    assert eps == "1/255" or alone.sum() > 0


def test_members_need_not_draw(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"
    run = rw.evaluate(
        colour_net(), data, "cascade(fgsm, bim(steps=2), eps=60/255)", out=tmp_path / "run"
    )
    rows = _rows(run, "cascade(fgsm, bim(steps=2), eps=60/255)")
    assert set(rows["broken_by"].drop_nulls()) == {"fgsm"}


@pytest.mark.parametrize("name", ["hopskipjump", "boundary", "evolutionary"])
def test_searches_by_decisions_end_in_the_ball(name: str) -> None:
    member, model, x = f"{name}(queries=150)", curved(), pictures(16)
    labels = model.function(x).argmax(1)
    alone = attacked(f"{name}(queries=150, norm=L2)", model, x, labels)
    eps = float(alone.size.median())
    whole = attacked(f"cascade({member}, eps={eps}, norm=L2)", model, x, labels)
    broken = torch.tensor([each is not None for each in whole.found.broken_by or ()])
    assert torch.equal(broken, alone.size <= eps * (1 + 1e-6))
    assert 4 < int(broken.sum()) < 12
    assert (whole.size <= eps * (1 + 1e-6)).all()
    used, first = whole.found.steps_used, whole.found.step_success
    assert used is not None
    assert first is not None
    assert alone.found.steps_used is not None
    assert (used <= alone.found.steps_used).all()
    assert (used < alone.found.steps_used)[broken].sum() > broken.sum() / 2
    assert torch.equal(used[~broken], alone.found.steps_used[~broken])
    assert torch.equal(first[broken], used[broken])  # before, what it found lay outside
