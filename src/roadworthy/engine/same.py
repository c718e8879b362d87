"""Members of suites that read files exactly as others do: each pixel is judged under one name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from roadworthy.pipeline.base import Pipeline, probe_hash
from roadworthy.stress.bound import Stress
from roadworthy.stress.changes import modifies, read_by
from roadworthy.stress.reference import clean_of
from roadworthy.types import Tap


@dataclass(frozen=True)
class Same:
    """A stress that changes no pixel against another, ``like``, and has no results of its own."""

    data: str
    model: str
    stress: str
    like: str


@dataclass
class Twins:
    """Tells the stresses among ``members`` (digests) that read files as clean or an earlier one does.

    What was asked for by itself is judged under its own name: only as members of a suite would such
    stresses be an axis that is none.
    """

    members: Collection[str]
    found: list[Same] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    _first: dict[tuple[str, str, Pipeline], dict[str, str]] = field(default_factory=dict)

    def has(self, one: Stress, data: str, model: str, pipeline: Pipeline) -> bool:
        """Return whether ``one`` is a twin where files are usually read by ``pipeline``."""
        single = one.definition.tap is Tap.PIPELINE and len(one.settings) == 1
        if not single or modifies(one):
            return False
        first = self._first.setdefault((data, model, pipeline), {})
        first.setdefault(probe_hash(pipeline), clean_of(one.spec))
        like = first.setdefault(probe_hash(read_by(one, one.settings[0], pipeline)), one.spec)
        if like == one.spec or one.digest not in self.members:
            return False
        self.found.append(Same(data, model, one.spec, like))
        self.digests.add(one.digest)
        return True
