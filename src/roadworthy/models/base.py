"""What providers of models are and what they hand over; imports no torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from roadworthy.pipeline.base import Pipeline
from roadworthy.registry import Definition, Registry, parameters_of
from roadworthy.types import Classes, Metadata, Need

Stats = tuple[float, float, float]
"""One number per colour channel, in units of the [0, 1] range."""


@dataclass(frozen=True, kw_only=True)
class ModelDefinition(Definition):
    """A provider or combinator of models.

    ``takes`` says which part of the spec text is its first argument: ``name`` is what follows the
    first slash (``timm/NAME``), ``path`` what follows the colon (``torch:FILE.py:FACTORY``), None
    nothing (``ensemble(a, b)``). With ``extra`` it also takes keywords that it does not declare.
    """

    takes: Literal["name", "path"] | None = None
    extra: bool = False


def model(function: Callable[..., Any]) -> ModelDefinition:
    """Register a provider: its first parameter is called ``name`` or ``path`` if it takes one.

    The function returns a `Network`, which `roadworthy.models.build` makes a classifier, or a
    finished `Classifier`. The pipeline and metadata options of every model (``size=``, ``crop=``,
    ``family=`` …) are handled for it.
    """
    declared = list(inspect.signature(function).parameters.values())
    first = declared[0].name if declared else ""
    takes: Literal["name", "path"] | None = None
    if first == "name":
        takes = "name"
    elif first == "path":
        takes = "path"
    return ModelDefinition(
        name=function.__name__,
        function=function,
        parameters=parameters_of(function, skip=1 if takes else 0),
        takes=takes,
        extra=any(p.kind is p.VAR_KEYWORD for p in declared),
    )


NO_FACTS = Metadata()


@dataclass(frozen=True)
class Card:
    """What is published about a model: top-1 in percent, and the digest of the weights meant."""

    top1: float | None = None
    weights_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network as its provider found it, before it is prepared.

    ``module`` is a ``torch.nn.Module`` that takes input normalised by ``mean`` and ``std``, NCHW.
    ``pipeline`` is None where no card says how the frame is made. ``classes`` is None where only
    the number of outputs tells, and ``offset`` is then the number of outputs before the first class
    (None: 1 if there are 1001 outputs). ``source`` is the text of user code, for the fingerprint.
    ``stochastic`` keeps dropout on, as part of what the network is. ``sealed`` is an exported program,
    which runs as it is; ``gives`` is what it offers, where that is not everything.
    """

    name: str
    module: Any
    mean: Stats = (0.0, 0.0, 0.0)
    std: Stats = (1.0, 1.0, 1.0)
    pipeline: Pipeline | None = None
    classes: Classes | None = None
    offset: int | None = None
    metadata: Metadata = NO_FACTS
    notes: tuple[str, ...] = ()
    card: Card | None = None
    source: str = ""
    stochastic: bool = False
    sealed: bool = False
    gives: frozenset[Need] | None = None


MODELS = Registry("model", ModelDefinition, ("roadworthy.models.providers",), "roadworthy.models")
