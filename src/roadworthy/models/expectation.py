"""A random model judged and attacked by the mean of several of its draws."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.base import NO_FACTS
from roadworthy.models.randomness import is_random, seeded
from roadworthy.pipeline.base import Pipeline
from roadworthy.seed import digest
from roadworthy.types import Classes, Classifier, Metadata, Need

MOST = 1000
JUDGED = "judged"
"""The key of the draws by which images are judged; no attack gets to see these."""


@dataclass(frozen=True)
class Drawn:
    """One draw of a random model: its global random numbers belong to ``key``."""

    model: Classifier
    key: str

    @property
    def id(self) -> str:
        """As the model's."""
        return self.model.id

    @property
    def pipeline(self) -> Pipeline:
        """As the model's."""
        return self.model.pipeline

    @property
    def classes(self) -> Classes:
        """As the model's, with no offset: the model has taken its own off."""
        return replace(self.model.classes, offset=0)

    @property
    def gives(self) -> frozenset[Need]:
        """As the model's."""
        return self.model.gives

    def logits(self, x: Tensor) -> Tensor:
        """Return the model's logits of ``x``: the same whenever batch and key are the same."""
        with seeded(self.key, x.device):
            result: Tensor = self.model.logits(x)
        return result


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Expectation:
    """The mean of ``n`` draws of a random model, ``members`` being the one; ``key`` says which."""

    members: tuple[Classifier]
    n: int
    pipeline: Pipeline
    key: str = JUDGED
    metadata: Metadata = NO_FACTS
    spec: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.spec

    @property
    def id(self) -> str:
        """Covers the model and the number of draws."""
        return f"eot/{self.n}@{digest(self.members[0].id, self.n, size=8)}"

    @property
    def classes(self) -> Classes:
        """As the model's, with no offset: the model has taken its own off."""
        return replace(self.members[0].classes, offset=0)

    @property
    def gives(self) -> frozenset[Need]:
        """What the model gives."""
        return self.members[0].gives

    def draw(self, key: str) -> Expectation:
        """Return the same with other draws, those of ``key``."""
        return replace(self, key=key)

    def passes(self) -> tuple[Drawn, ...]:
        """Return the draws one by one; an attack averages the gradients of its loss over them."""
        inner = self.members[0]
        return tuple(Drawn(inner, digest(inner.id, self.key, i)) for i in range(self.n))

    def logits(self, x: Tensor) -> Tensor:
        """Return the mean of the logits of ``x`` over the draws, each a forward pass of its own.

        An image's random numbers depend on its place in the batch, not on what else is in it or on
        calls before.
        """
        first, *others = self.passes()
        total = first.logits(x)
        for one in others:
            total = total + one.logits(x)
        return total / self.n


def averaged(model: Classifier, n: int) -> Expectation:
    """Return the mean of ``n`` draws of ``model``; raises UsageError for a senseless ``n``."""
    if not 1 <= n <= MOST:
        raise UsageError(f"eot: n is how many draws are averaged, 1 to {MOST}, not {n}")
    made = Expectation(
        members=(model,),
        n=n,
        pipeline=model.pipeline,
        metadata=getattr(model, "metadata", NO_FACTS),
        notes=getattr(model, "notes", ()),
    )
    return made if _is_random(model) else replace(made, notes=(*made.notes, _calm(model)))


def _is_random(model: Classifier) -> bool:
    try:
        return is_random(model, model.pipeline.size or (32, 32))
    except Exception:  # this is a guess at a frame; the engine will say what is wrong with its own
        return True


def _calm(model: Classifier) -> str:
    return (
        f"eot: {model.id} draws no random numbers, so that its mean is itself at several times the "
        "cost; if its dropout is meant to stay on, say stochastic=true"
    )
