"""Operating profiles are read, and what is wrong with one is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.errors import UsageError
from roadworthy.profiles.base import Condition, Costs, Profile, profile_of
from roadworthy.profiles.costs import costs_of
from roadworthy.profiles.read import read_profile
from roadworthy.suites import resolve

NIGHT = "compose(gaussian_noise(severity=2), motion_blur(severity=1))"


def read(folder: Path, text: str) -> Profile:
    path = folder / "profile.yaml"
    path.write_text(text)
    return read_profile(path)


def test_lines_and_keys_say_the_same(tmp_path: Path) -> None:
    short = read(
        tmp_path,
        "conditions:\n  day: clean, 85 %\n  night: gaussian_noise 2 + motion blur 1, 12 %\n"
        "  rain: jpeg(quality=30), 3/100\n",
    )
    long = read(
        tmp_path,
        f"name: profile\ndistance: 0.1\nconditions:\n  day: {{stress: clean, probability: 0.85}}\n"
        f'  night: {{stress: "{NIGHT}", probability: 12 %, between: [0, 1]}}\n'
        f'  rain: {{stress: "jpeg(quality=30)", probability: 3%}}\n',
    )
    assert short == long
    assert short.conditions == (
        Condition("day", "clean", 0.85),
        Condition("night", NIGHT, 0.12),
        Condition("rain", "jpeg(quality=30)", 0.03),
    )
    assert profile_of(short.as_dict()) == short


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "conditions:\n  day: clean, 60 %\n  fog: fog 3, 30 %",
            "sum to 0.9 (90 %), not to 1: day 60 %, fog 30 %",
        ),
        ("conditions:\n  day: clean, 60 %\n  fog: fog 3, 50 %", "sum to 1.1 (110 %)"),
        ("conditions:\n  day: clean, 110 %", "must lie between 0 and 1"),
        ("conditions:\n  day: clean, often", "expected a stress and its probability"),
        ("conditions:\n  day: clean", "expected a stress and its probability"),
        (
            "conditions:\n  day: {stress: clean, probability: often}",
            "expected a probability such as '12 %'",
        ),
        ("conditions:\n  day: {stress: clean, probability: true}", "expected a probability"),
        ("conditions:\n  day: {stress: clean}", "condition 'day': has no 'probability'"),
        ("conditions:\n  day: {stres: clean, probability: 1}", "did you mean 'stress'"),
        ("conditions:\n  day: 12", "expected a line such as"),
        ("conditions:\n  day: claen, 100 %", "did you mean 'clean'"),
        ("conditions:\n  fog: fog, 100 %", "has 5 variants"),
        ("conditions:\n  fog: fog 3 + pgd(eps=4/255), 100 %", "is no corruption of the frame"),
        ("conditions:\n  fog: fog 9, 100 %", "severity"),
        (
            "conditions:\n  day: {stress: clean, probability: 1, between: [0, 0.5]}",
            "the probability 1 is not between 0 and 0.5",
        ),
        ("conditions:\n  day: {stress: clean, probability: 1, between: 0.5}", "expected two probabilities"),
        ("conditions:\n  day: clean, 60 %\n  day: fog 3, 40 %\n  x: clean, 60 %", "'day' is given twice"),
        ("conditions: {}", "must name conditions"),
        ("conditons:\n  day: clean, 1", "did you mean 'conditions'"),
        ("distance: 2\nconditions:\n  day: clean, 1", "distance"),
        ("- clean", "must hold keys and values"),
        ("conditions: [", "is not valid YAML"),
        ("conditions:\n  day: clean, 1\ncosts: {rong: 3}", "did you mean 'wrong'"),
        ("conditions:\n  day: clean, 1\ncosts: {wrong: -3}", "a cost is a number from 0 on, not -3"),
        ("conditions:\n  day: clean, 1\ncosts: {pairs: {cat: 3}}", "pairs are true classes"),
        ("conditions:\n  day: clean, 1\ncosts: nothing.csv", "nothing.csv': cannot be read"),
        ("conditions:\n  day: clean, 1\ncosts: 3", "expected the name of a CSV"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)
    assert "profile.yaml" in str(refused.value)


def test_a_profile_is_a_suite_of_its_stresses(tmp_path: Path) -> None:
    read(tmp_path, "conditions:\n  a: fog 3, 0.5\n  b: clean, 0.25\n  c: fog 3, 0.25\n")
    path = tmp_path / "profile.yaml"
    stresses, (suite,) = resolve([f"profile:{path}"])
    assert [one.spec for one in stresses] == ["fog(severity=3)", "clean"]
    assert (suite.kind, suite.spec, suite.headline) == (
        "profile",
        f"profile:{path}",
        "expected_error",
    )
    with pytest.raises(UsageError, match="takes no parameters"):
        resolve([f"profile:{path}(severity=3)"])
    with pytest.raises(UsageError, match="cannot read the profile"):
        resolve(["profile:nowhere.yaml"])


def test_costs_come_from_a_csv_beside_the_profile(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text("true,cat,dog\ncat,0,5\ndog,2.5,0\n")
    found = read(tmp_path, "conditions:\n  day: clean, 1\ncosts: costs.csv\n")
    pairs = (("cat", "cat", 0), ("cat", "dog", 5), ("dog", "cat", 2.5), ("dog", "dog", 0))
    assert found.costs == Costs(pairs=pairs)
    assert found.costs is not None
    named = costs_of(found.costs, ["Dog", "Owl", "Cat"])
    assert named.pairs == {(2, 2): 0, (2, 0): 5, (0, 2): 2.5, (0, 0): 0}
    assert named.highest == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("true,cat,dog\ncat,0\n", "the line of 'cat' has 1 costs, not 2"),
        ("true,cat,dog\ncat,0,x\n", "cat: dog: a cost is a number"),
        ("true,cat,cat\ncat,0,1\n", "the predicted class 'cat' is there twice"),
        ("true,cat\ncat,0\ncat,1\n", "the true class 'cat' is there twice"),
        ("cat\n", "expected predicted classes in the first line"),
        ("", "expected predicted classes in the first line"),
    ],
)
def test_a_wrong_csv_is_said_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "costs.csv").write_text(text)
    with pytest.raises(UsageError) as refused:
        read(tmp_path, "conditions:\n  day: clean, 1\ncosts: costs.csv\n")
    assert said in str(refused.value)
    assert "costs.csv" in str(refused.value)


def test_classes_of_costs_are_names_or_indices() -> None:
    costs = Costs(pairs=(("1", "cat", 3.0),))
    assert costs_of(costs, ["cat", "dog"]).pairs == {(1, 0): 3.0}
    with pytest.raises(UsageError, match=r"no class 'cat'.*it has no class names; give indices"):
        costs_of(costs, [])
    with pytest.raises(UsageError, match="no class 'cta'; did you mean 'cat'"):
        costs_of(Costs(pairs=(("cta", "0", 3.0),)), ["cat"])
    with pytest.raises(UsageError, match="no class '7'"):
        costs_of(Costs(pairs=(("7", "0", 3.0),)), ["cat"])
