"""What a suite is, and the files that define them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from roadworthy import _yaml
from roadworthy.pipeline.published import FrameName
from roadworthy.suites.generators.base import GENERATORS, Kind, SuiteDefinition


class Budget(BaseModel):
    """The stresses of a suite at one cost; ``settings`` are what stands for ``{name}`` in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stresses: tuple[str, ...]
    settings: Mapping[str, str] = {}


class Suite(BaseModel):
    """A named list of stresses; the version changes when the list or the protocol does.

    Suites of a ``kind`` have a protocol: all stresses act in ``frame``, what they make is kept as
    ``store``, and errors are divided by those of ``baseline`` unless ``without_baseline`` says why
    there is none. ``headline`` is the metric over the whole suite that people quote. A suite with
    ``budgets`` has its stresses there, at several costs, of which the first is the default; one with
    a ``definition`` gets them from that. Members of a ``systematic`` suite name their frame themselves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str
    summary: str
    version: int
    stresses: tuple[str, ...] = ()
    budgets: Mapping[str, Budget] = {}
    paper: str | None = None
    kind: Kind | None = None
    frame: FrameName = "own"
    store: str | None = None
    baseline: str | None = None
    without_baseline: str = ""
    headline: str | None = None
    definition: SuiteDefinition | None = None


@cache
def suites() -> dict[str, Suite]:
    """Return every suite by name."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        value = _yaml.load(path.read_text(encoding="utf-8"))
        found[path.stem] = Suite(name=path.stem, **value)
    for name in GENERATORS:
        found[name] = _generated(GENERATORS.get(name))
    return dict(sorted(found.items()))


def _generated(definition: SuiteDefinition) -> Suite:
    return Suite(
        name=definition.name,
        summary=GENERATORS.summary(definition.name).rstrip("."),
        version=definition.version,
        paper=definition.paper,
        kind=definition.kind,
        headline=definition.headline,
        definition=definition,
    )
