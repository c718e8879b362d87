"""What a suite is whose members follow from its parameters, from what is registered, and from results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from roadworthy.registry import Definition, Registry, parameters_of

if TYPE_CHECKING:
    import polars as pl

    from roadworthy.types import Classifier


Kind = Literal["corruptions", "sequences", "systematic", "profile"]


@dataclass(frozen=True)
class Results:
    """What is known of one model on one data set: usable records by stress, and of the images as they are.

    Members that could not run, or that read files as others do, have no records. ``factors`` has the
    members of the suite by what they change, written as in ``rows``.
    """

    rows: Mapping[str, pl.DataFrame]
    clean: pl.DataFrame | None = None
    factors: Mapping[str, Sequence[str]] = field(default_factory=dict)


Following = Callable[[Results], Sequence[str]]
"""Returns the stresses that the results so far ask for, all of them each time; none at the end."""


Derive = Callable[["Classifier"], Sequence[tuple[str, "Classifier"]]]
"""Returns what a model is compared with, each with what to call it beside the model.

Raises InapplicableError where there is nothing of the kind.
"""


@dataclass(frozen=True)
class Members:
    """The members of a suite by what they change, and those that follow from their results.

    With ``derive`` the suite judges more models than it is given: others made of each.
    """

    factors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    following: Following | None = None
    derive: Derive | None = None


@dataclass(frozen=True, kw_only=True)
class SuiteDefinition(Definition):
    """A registered suite: ``function(**parameters)`` returns its `Members`; all are of one ``kind``.

    Suites without a kind have no metrics of their own. Of parameters in ``swept`` users may give several
    values; the function gets a Sweep then.
    """

    kind: Kind | None
    headline: str | None
    swept: frozenset[str] = frozenset()


def suite(
    *swept: str,
    headline: str | None,
    kind: Kind | None = "systematic",
    version: int = 1,
    paper: str | None = None,
) -> Callable[[Callable[..., Members]], SuiteDefinition]:
    """Register ``f(*, ...) -> Members``; ``headline`` is the metric that people quote.

    ``swept`` names the parameters that may be given several values.
    """

    def decorate(function: Callable[..., Any]) -> SuiteDefinition:
        return SuiteDefinition(
            name=function.__name__,
            function=function,
            parameters=parameters_of(function),
            kind=kind,
            headline=headline,
            swept=frozenset(swept),
            version=version,
            paper=paper,
        )

    return decorate


GENERATORS: Registry[SuiteDefinition] = Registry(
    "suite", SuiteDefinition, ("roadworthy.suites.generators",), "roadworthy.suites"
)
