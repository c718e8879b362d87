"""What authors of masks write against: what a model sees where pixels are removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from roadworthy.registry import Definition, parameters_of
from roadworthy.types import Classifier, Need

if TYPE_CHECKING:
    from torch import Tensor

Check = Callable[[Mapping[str, Any]], None]
"""Looks at the arguments of a mask before anything runs; raises UsageError."""

Fits = Callable[[Classifier], str]
"""Says why a model cannot be shown less of an image, or nothing."""

Grid = Callable[[Classifier], tuple[int, int]]
"""Returns how many rows and columns of units there are of what a model is shown less of."""

Loss = Callable[["Tensor", Any], "Tensor"]
"""Takes logits (N, classes) and classes (N,), returns one number per image (N,)."""

_GIVEN = frozenset({"rng", "context", "kept"})


@dataclass(frozen=True)
class MaskContext:
    """What a mask may know beside the images.

    ``mean`` (C,) is the colour in [0, 1] that the model's normalisation makes 0. ``another()`` reads
    for each image another one of its data set, (N, C, H, W): one of another class where there is one.
    """

    mean: Tensor
    another: Callable[[], Tensor]

    def at(self, rows: Tensor) -> MaskContext:
        """Return the context of the images ``rows``, indices."""
        return MaskContext(self.mean, lambda: self.another()[rows])


class Shown(Protocol):
    """A batch of images of which a model is shown a part.

    ``grid`` (h, w) is how many units can be removed one by one: pixels, or tokens of a few. ``kept``
    (N, h, w) is a bool tensor throughout.
    """

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of the images."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of units."""

    def at(self, rows: Tensor) -> Shown:
        """Return the images ``rows``, indices, each as often as it is named."""

    def logits(self, kept: Tensor) -> Tensor:
        """Return logits (N, classes) of what is kept, without a graph."""

    def effects(self, kept: Tensor, loss: Loss, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, classes) and to first order how removing each unit changes the loss.

        The second is (N, h, w); entries of units that are removed already mean nothing.
        """

    def view(self, kept: Tensor) -> tuple[Tensor, Classifier]:
        """Return inputs (N, C, H, W) in [0, 1] and the classifier that sees them so."""


@dataclass(frozen=True, kw_only=True)
class MaskDefinition(Definition):
    """A registered mask.

    One that ``drops`` changes how a model takes its input and returns a `Shown`; all others return
    images. ``needs`` is what it asks of the model beside what the search asks, ``fits`` says why a
    model will not do, and ``grid`` what there is to remove of one that does, where it is not pixels.
    """

    check: Check | None = None
    drops: bool = False
    fits: Fits | None = None
    grid: Grid | None = None
    needs: frozenset[Need] = frozenset()

    @cached_property
    def takes(self) -> frozenset[str]:
        """Which of ``rng``, ``context`` and ``kept`` the function has as parameters."""
        return frozenset(p.name for p in parameters_of(self.function)) & _GIVEN


Decorator = Callable[[Callable[..., Any]], MaskDefinition]


def mask(*, check: Check | None = None, version: int = 1, paper: str | None = None) -> Decorator:
    """Register ``f(x, *, ..., context, kept, rng) -> Tensor``: what stands where pixels are removed.

    ``x`` and the result are float batches (N, C, H, W) in [0, 1]; the result is used where pixels are
    removed. ``context`` is a `MaskContext`, ``rng`` (`BatchDraws`) has a generator for each image, so
    that nothing depends on the batch; a function has those parameters that it uses. One that also
    has ``kept`` (N, H, W), a bool tensor, is asked again whenever pixels go, as inpainting must be.
    """
    return _mask(skip=1, check=check, version=version, paper=paper)


def dropping(
    *needs: Need,
    fits: Fits,
    grid: Grid,
    check: Check | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(model, x, *, ..., context) -> Shown``: a model that is shown less of ``x``.

    For networks that can do without a part of their input, such as the tokens of a transformer.
    ``fits`` says why a model cannot, before anything runs, and ``grid`` how many rows and columns of
    such parts one has that can.
    """
    return _mask(
        skip=2,
        drops=True,
        needs=frozenset(needs),
        fits=fits,
        grid=grid,
        check=check,
        version=version,
        paper=paper,
    )


def _mask(*, skip: int, **settings: Any) -> Decorator:
    def decorate(function: Callable[..., Any]) -> MaskDefinition:
        return MaskDefinition(
            name=function.__name__,
            function=function,
            parameters=parameters_of(function, skip=skip, without=_GIVEN),
            **settings,
        )

    return decorate
