"""Stresses that rank the pixels of an image by a model, once, and show what is cut out by the ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from roadworthy.binding import resolved_digest
from roadworthy.registry import parameters_of
from roadworthy.spec import Spec
from roadworthy.stress.base import Check, StressDefinition
from roadworthy.types import Classifier, Need, Tap

if TYPE_CHECKING:
    from torch import Tensor

    from roadworthy.stress.masks.base import Shown

Arguments = Mapping[str, Any]
Size = tuple[int, int]
Arrays = Mapping[str, NDArray[Any]]
Flags = NDArray[np.bool_]

Aim = Literal["predicted", "random"]
"""The class that confidence is in: the one predicted on the whole image, or a random other one."""


@dataclass(frozen=True)
class Wanted:
    """What a stress wants a model to make of each image once: ``arguments`` are all that decides it.

    ``mask`` names the mask. What is wanted ``after`` others gets to see those. What is ``compared``
    the judge makes as well, where it is another model that can.
    """

    name: str
    aim: Aim
    mask: Spec
    arguments: Arguments
    after: tuple[str, ...] = ()
    compared: bool = False

    @cached_property
    def digest(self) -> str:
        """Covers everything."""
        return resolved_digest(self.name, 1, {"aim": self.aim, **self.arguments})


@dataclass(frozen=True)
class Work:
    """What a ranking works on: N images as the model sees parts of them, and a class of each.

    ``least`` is the smallest threshold that was asked for, ``earlier`` what was made before by name.
    """

    wanted: str
    shown: Shown
    classes: Tensor
    least: float
    earlier: Mapping[str, Arrays] = field(default_factory=dict)


Remove = Callable[[Flags, NDArray[np.uint16], float, int], Flags]
"""Takes subsets (N, h, w), their orders, a threshold and how many units to try at once; returns what
is left of the subsets once all is gone that need not be there."""


@dataclass(frozen=True)
class Ranked:
    """What was made of N images by one model, by name, for cuts to be made of it.

    ``classes`` (N,) are those that it aimed at, by the same names. ``names`` are those of the images, by
    which they draw with ``seed``. ``peer`` is what the judge made of the same images itself, if that
    is another model. ``remove`` asks the model that ranked; None where another one judges.
    """

    made: Mapping[str, Arrays]
    classes: Mapping[str, NDArray[np.int64]]
    names: Sequence[str]
    seed: int
    peer: Arrays | None = None
    remove: Remove | None = None


@dataclass(frozen=True)
class Cut:
    """One variant of N images: ``kept`` (N, h, w), or (draws, N, h, w) for several draws.

    ``extra`` goes into its key, ``shared`` says that it does not depend on the threshold. ``mask``
    covers what is not kept; None shows nothing but the mask itself, white where something is kept.
    ``reasons`` say why there is nothing of an image; empty where there is. What was looked for
    ``in_vain`` was measured all the same: it is not sufficient. ``source`` names what it was made of.
    Of the class (N,) in ``classes`` the judge's confidence is taken, and compared with
    ``threshold``. ``columns`` have an entry an image.
    """

    extra: str
    kept: Flags
    source: str
    classes: NDArray[np.int64]
    mask: Spec | None
    reasons: Sequence[str]
    control: str | None = None
    threshold: float | None = None
    fraction: float | None = None
    shared: bool = False
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    flags: Sequence[Sequence[str]] = ()
    in_vain: Sequence[bool] = ()

    def named(self, key: str) -> str:
        """Return the key of the cut under the setting ``key``; one that thresholds share names none."""
        _, _, others = key.partition(",")
        return ",".join(filter(None, (self.extra, others) if self.shared else (key, self.extra)))


@dataclass(frozen=True)
class Ranking:
    """How a stress ranks pixels and what it shows; see `ranking`."""

    wants: Callable[[Arguments, Size], tuple[Wanted, ...]]
    cuts: Callable[[Ranked, Arguments, bool], Iterator[Cut]]
    needs: Callable[[Arguments], frozenset[Need]]
    grid: Callable[[Arguments, Classifier, Size], Size]
    unfit: Callable[[Arguments, Classifier, Size], str]
    unshown: Callable[[Arguments, Classifier], str]
    passes: Callable[[Arguments, Size], tuple[int, int]]
    shown: Callable[[Arguments], int]
    nothing: Callable[[Size], Arrays]


def ranking(
    about: Ranking,
    *,
    level: str,
    check: Check | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Callable[[Callable[..., Any]], StressDefinition]:
    """Register ``f(work: Work, *, ...) -> Arrays``: what a model makes of images, kept for good.

    Arrays have an entry an image; those whose ``baseline`` is NaN failed. ``grid`` says how many rows
    and columns of units a model has to remove of a frame; that is the size which others take. ``wants``
    says what is to be made under some arguments, each once, whatever is cut out of it: a second threshold
    or judge makes nothing. ``cuts`` yields the variants; its last argument says whether those that do
    not depend on the threshold are wanted too. ``needs`` is what is asked of the model, ``unfit`` says
    why a model or a frame (H, W) will not do, or nothing, and ``unshown`` why a model cannot even judge
    what another one ranked; ``passes`` are the forward and backward passes of one of ``wants`` on an
    image, all in all, ``shown`` how many variants are judged, and ``nothing`` what arrays of no image
    look like.
    """

    def decorate(function: Callable[..., Any]) -> StressDefinition:
        return StressDefinition(
            name=function.__name__,
            function=function,
            parameters=parameters_of(function, skip=1),
            tap=Tap.INPUT,
            axis="overinterpretation",
            cost="probe",
            level=level,
            needs=frozenset({Need.PROBABILITIES}),
            check=check,
            measures=True,
            everyone=True,
            ranking=about,
            version=version,
            paper=paper,
        )

    return decorate
