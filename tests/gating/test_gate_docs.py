"""The page on gates: its YAML is YAML, and its commands are commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
import yaml
from made_runs import made_run

from roadworthy.cli import app, main
from roadworthy.gating.requirement import parse_requirement

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("gate.md", "compare.md", "profile.md")


def blocks(page: str, kind: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands() -> Iterator[str]:
    """Yield every command of ours in the pages, continuation lines joined."""
    for page in PAGES:
        for block in blocks(page, "console"):
            joined = block.replace("\\\n", " ")
            yield from (line[2:] for line in joined.splitlines() if line.startswith("$ roadworthy"))
    for text in blocks("gate.md", "yaml"):
        for step in strings(yaml.safe_load(text)):
            yield from (line for line in step.splitlines() if line.startswith("roadworthy "))


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def test_snippets_for_both_services_are_yaml_with_a_job() -> None:
    github, gitlab = (yaml.safe_load(text) for text in blocks("gate.md", "yaml"))
    steps = github["jobs"]["gate"]["steps"]
    assert any("roadworthy gate" in step.get("run", "") for step in steps)
    assert any("roadworthy gate" in line for line in gitlab["robustness"]["script"])
    assert gitlab["robustness"]["artifacts"]["reports"]["junit"] == "gate.xml"
    assert gitlab["robustness"]["allow_failure"]["exit_codes"] == 5


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_commands_of_the_pages_are_commands(command: str) -> None:
    """They are read as the command line reads them, without being run."""
    _, bound, ignored = app.parse_args(shlex.split(command)[1:], exit_on_error=False)
    assert not ignored
    for text in bound.arguments.get("require") or ():
        parse_requirement(text)


@pytest.mark.parametrize(("right", "before", "code"), [(0.9, 0.8, 0), (0.5, 0.8, 4), (0.8, 0.8, 5)])
def test_the_snippets_pass_fail_and_stay_undecided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: float, before: float, code: int
) -> None:
    """What both services would run, on a run that is better, worse, or about as good."""
    (command,) = {" ".join(text.split()) for text in commands() if "--junit" in text}
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    for folder, share in (("results/new", right), ("baseline", before)):
        made_run(tmp_path / folder, {"clean": draws.permutation(400) < 400 * share}, model=folder)
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    assert ended.value.code == code
    suite = fromstring((tmp_path / "gate.xml").read_bytes()).find("testsuite")
    assert suite is not None
    assert len(suite.findall("testcase")) == 2
    assert len(suite.findall(".//failure")) == (2 if code == 4 else 0)
    said = (tmp_path / "gate.md").read_text().splitlines()[0]
    assert said.startswith(f"**Gate {({0: 'passed', 4: 'failed', 5: 'undecided'})[code]}")


def test_there_are_commands() -> None:
    assert sum("gate" in command for command in commands()) >= 4
