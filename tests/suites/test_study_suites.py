from __future__ import annotations

import pytest

from roadworthy.catalogue import described, description
from roadworthy.errors import UsageError
from roadworthy.stress.bound import stress
from roadworthy.suites import resolve, suites

TARGETS = ("random", "second", "least")
EXACT: tuple[tuple[str, dict[str, object]], ...] = (
    # (spec, what A.4 of the specification says, parameter by parameter)
    ("fgsm", {"eps": 0.3, "norm": "Linf", "loss": "cross_entropy"}),
    ("bim", {"eps": 0.2, "steps": 50, "step": None, "relative_step": None}),
    ("eps_search", {"attempts": 9, "norm": "Linf"}),
    (
        "carlini_wagner",
        {
            "steps": 1000,
            "search_steps": 9,
            "learning_rate": 0.002,
            "initial_c": 0.01,
            "confidence": 0.0,
            "warm_start": True,
        },
    ),
    (
        "ead",
        {
            "steps": 1000,
            "search_steps": 9,
            "learning_rate": 0.01,
            "initial_c": 0.01,
            "shrinkage": 0.001,
            "decision": "l1",
            "confidence": 0.0,
        },
    ),
)


def specs(text: str) -> list[str]:
    return [one.spec for one in resolve([text])[0]]


def attacks(text: str) -> list[str]:
    return [one for one in specs(text) if not one.startswith("clever")]


def test_the_survey_has_the_settings_of_its_published_code_for_three_targets() -> None:
    found = [one for one in resolve(["survey"])[0] if one.name != "clever"]
    assert len(found) == len(EXACT) * 3
    for i, (name, wanted) in enumerate(EXACT):
        for one, target in zip(found[3 * i : 3 * i + 3], TARGETS, strict=True):
            arguments = one.settings[0].arguments
            assert (one.name, arguments["target"]) == (name, target)
            assert {key: arguments.get(key) for key in wanted} == wanted
    search = next(one for one in found if one.name == "eps_search")
    inner = search.members[0].settings[0].arguments
    assert search.members[0].name == "bim"
    assert (inner["eps"], inner["steps"]) == (0.02, 50)
    assert inner.get("step") is inner.get("relative_step") is None  # eps / steps


def test_clever_has_the_batches_and_draws_of_the_readme() -> None:
    found = [one for one in resolve(["survey"])[0] if one.name == "clever"]
    seen = [one.settings[0].arguments for one in found]
    assert [(a["norm"], a["target"]) for a in seen] == [
        (norm, target) for norm in ("L2", "Linf") for target in TARGETS
    ]
    assert {(a["batches"], a["draws"]) for a in seen} == {(100, 512)}
    quick = [one for one in specs("survey(budget=quick)") if one.startswith("clever")]
    assert quick == ["clever(target=random, batches=20, draws=64)"]


def test_the_quick_survey_is_of_one_target_and_few_steps() -> None:
    assert attacks("survey(budget=quick)") == [
        "fgsm(eps=0.3, target=random)",
        "eps_search(bim(eps=0.02, steps=50), target=random, attempts=9)",
        "carlini_wagner(target=random, steps=150, search_steps=4, initial_c=0.01, warm_start=true)",
        "ead(target=random, steps=150, search_steps=4, initial_c=0.01, shrinkage=0.001)",
    ]


def test_a_target_of_ones_own_replaces_those_of_the_budget() -> None:
    assert attacks("survey(budget=quick, target=none)")[:2] == [
        "fgsm(eps=0.3)",
        "eps_search(bim(eps=0.02, steps=50), attempts=9)",
    ]
    assert attacks("survey(budget=quick, target=[least, none])")[:2] == [
        "fgsm(eps=0.3, target=least)",
        "fgsm(eps=0.3)",
    ]
    assert len(attacks("survey(target=second)")) == len(EXACT)


def test_ares_has_the_white_box_protocol_at_its_eps() -> None:
    found = specs("ares")
    assert found[:5] == [
        "fgsm(eps=4/255)",
        "pgd(eps=4/255, steps=100, step=1/255)",
        "autoattack(eps=4/255)",
        "eps_search(pgd(eps=2/255, steps=100, relative_step=25.0))",
        "eps_search(fgsm(eps=1/255), scan=32)",
    ]
    search = stress(found[3]).settings[0].arguments
    assert (search["doublings"], search["bisections"]) == (5, 10)
    pgd = stress(found[1]).settings[0].arguments
    assert (pgd["start"], pgd["restarts"]) == ("random", 1)
    assert specs("ares(eps=8/255)")[0] == "fgsm(eps=8/255)"
    assert "autoattack(eps=8/255)" in specs("ares(eps=8/255)")


@pytest.mark.parametrize("budget", ["paper", "quick"])
def test_ares_has_the_attacks_of_the_suite_transfer(budget: str) -> None:
    assert set(specs("transfer")) <= set(specs(f"ares(budget={budget})"))


def test_ares_by_queries_has_the_settings_of_dong_et_al() -> None:
    nes = next(one for one in resolve(["ares"])[0] if one.name == "nes").settings[0].arguments
    wanted = {"queries": 20000, "samples": 500, "spread": 0.001, "smallest": 0.1, "patience": 20}
    assert {key: nes[key] for key in wanted} == wanted
    assert float(nes["step"]) == pytest.approx(1 / 255)


def test_ares_by_decisions_has_the_settings_of_dong_et_al() -> None:
    found = {one.name: one.settings[0].arguments for one in resolve(["ares"])[0]}
    assert found["boundary"]["queries"] == found["evolutionary"]["queries"] == 20_000
    wanted = {"mu": 0.01, "sigma": 0.03, "c": 0.001, "decay": 0.99}
    assert {key: found["evolutionary"][key] for key in wanted} == wanted
    wanted = {"spherical_step": 0.01, "source_step": 0.01, "adaptation": 1.5}
    assert {key: found["boundary"][key] for key in wanted} == wanted


@pytest.mark.parametrize("name", ["survey", "ares"])
def test_the_paper_is_the_default_and_its_canonical_text_stays(name: str) -> None:
    default, paper = (resolve([text])[1][0] for text in (name, f"{name}(budget=paper)"))
    assert default == paper
    assert default.spec == name
    quick = resolve([f"{name}(budget=quick)"])[1][0]
    assert quick.spec == f"{name}(budget=quick)"
    assert resolve([quick.spec])[1][0] == quick


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("survey(budget=fast)", "'paper', 'quick'"),
        ("survey(eps=1/255)", "has no parameter 'eps'"),
        ("ares(target=random)", "has no parameter 'target'"),
        ("ares(eps=big)", "eps=big"),
        ("quick(budget=paper)", "takes no parameters"),
    ],
)
def test_what_a_suite_does_not_take_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve([text])
    assert said in str(caught.value)


def test_show_lists_the_stresses_of_every_budget() -> None:
    for name in ("survey", "ares"):
        text = described(description(name))
        for budget, one in suites()[name].budgets.items():
            for member in one.stresses:
                assert f"{budget}: {member}" in text
