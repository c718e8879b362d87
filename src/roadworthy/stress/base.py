"""What authors of stresses write against: one decorator per tap, and what it registers."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from roadworthy.errors import UsageError
from roadworthy.pipeline.published import FrameName
from roadworthy.registry import Definition, Parameter, parameters_of
from roadworthy.spec import Spec
from roadworthy.stress.levels import Levels, Tables
from roadworthy.stress.norm_names import NORMS, Norm
from roadworthy.types import Image, Need, Tap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roadworthy.stress.ranking import Ranking

Check = Callable[[Mapping[str, Any]], None]
"""Looks at the arguments of one variant before anything runs; raises UsageError."""

Applies = Callable[[Any, tuple[int, int], Mapping[str, Any]], None]
"""Looks at a model, the size of its frames and the arguments; raises InapplicableError."""

Passes = Callable[[Mapping[str, Any]], tuple[int, int]]
"""Says how many forward and backward passes an attack may take for an image, given its arguments."""

Admits = Callable[[Mapping[str, Any]], None]
"""Looks at what was given, with the specs of members as they were; raises UsageError."""

Parts = Callable[[Mapping[str, Any]], tuple[Spec, ...]]
"""Names the attacks that an attack consists of, given its arguments."""

Keeps = Callable[..., "NDArray[np.bool_]"]
"""Says which pixels (H, W) of a picture an IMAGE stress leaves as they are; called like the stress."""

PART_SIZES = {"cheap": 1024, "attack": 64, "probe": 16}
"""Samples in one part on disk, by cost class: constants, never dependent on hardware; nested."""


@dataclass(frozen=True, kw_only=True)
class StressDefinition(Definition):
    """A registered stress.

    ``level`` names the parameter that appears in every variant's key (``severity=3``); a list or a
    range given for it, or for any other plain parameter, makes one variant for each value.
    ``check`` looks at the arguments of each variant before anything runs. ``tables`` are those of
    stresses whose variants are the frames of a sequence, kept as one row. ``composed`` stresses
    consist of others: the specs in their parameter ``members``, which ``admits`` looks at before they
    are resolved. ``passes`` estimates what an attack costs; ``minimal`` attacks have no budget but look
    for the smallest change, and ``normless`` ones are limited by something else than a norm. ``parts``
    are the members of an attack that settles them itself; ``most_classes`` limits the models it makes
    sense on. ``applies`` looks at what a change of the model would be applied to. A ``ranking`` makes
    something of each image once, and shows many variants of it.
    """

    tap: Tap
    axis: str
    cost: str = "cheap"
    level: str | None = None
    needs: frozenset[Need] = frozenset()
    levels: Levels | None = None
    tables: Tables | None = None
    check: Check | None = None
    composed: bool = False
    admits: Admits | None = None
    passes: Passes | None = None
    minimal: bool = False
    normless: bool = False
    parts: Parts | None = None
    most_classes: int | None = None
    measures: bool = False
    everyone: bool = False
    applies: Applies | None = None
    ranking: Ranking | None = None
    keeps: Keeps | None = None

    @property
    def part_size(self) -> int:
        """Number of samples kept together on disk."""
        return PART_SIZES[self.cost]

    @property
    def sequence(self) -> bool:
        """Whether the variants are the frames of a sequence."""
        return self.tables is not None

    def arguments_on(self, shape: tuple[int, ...], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the function's ``arguments`` on a frame (H, W, 3): a severity as its strengths."""
        found = dict(arguments)
        severity = found.pop("severity", None)
        if severity is not None and self.levels is not None:
            found |= self.levels.strengths(severity, shape)
        return found

    @cached_property
    def takes_draws(self) -> bool:
        """Whether the function draws random numbers (has a parameter ``rng``)."""
        return any(p.name == "rng" for p in parameters_of(self.function))

    @cached_property
    def takes_play(self) -> bool:
        """Whether the function runs other attacks (has a parameter ``play``)."""
        return any(p.name == "play" for p in parameters_of(self.function))


class Encoded:
    """What a BYTES stress gets: the encoded file and, decoded once for all, its pixels."""

    def __init__(self, data: bytes, pixels: Image) -> None:
        self.data = data
        self.pixels = pixels


Decorator = Callable[[Callable[..., Any]], StressDefinition]

_GIVEN_BY_ENGINE = frozenset({"rng", "play"})

FRAME = Parameter("frame", FrameName, "own")
STORE = Parameter("store", Spec | None, None)
"""What the engine does for every stress on pictures: in which frame, and kept as what in between."""

TARGET = Parameter("target", str, "none")
RESTARTS = Parameter("restarts", int, 1)
"""What the engine does for every attack: choose targets, and start again from elsewhere."""


def _register(tap: Tap, axis: str, skip: int, **settings: Any) -> Decorator:
    extra: tuple[Parameter, ...] = settings.pop("extra", ())

    def decorate(function: Callable[..., Any]) -> StressDefinition:
        own = parameters_of(function, skip=skip, without=_GIVEN_BY_ENGINE)
        return StressDefinition(
            name=function.__name__,
            function=function,
            # specs of members come first: they are written without a name
            parameters=(*own[:1], *extra, *own[1:]) if settings.get("composed") else (*extra, *own),
            tap=tap,
            axis=axis,
            **settings,
        )

    return decorate


def recode(
    *,
    level: str | None = None,
    check: Check | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(encoded: Encoded, ...) -> bytes``: the file is written again, another way."""
    return _register(
        Tap.BYTES, "systematic", 1, level=level, check=check, version=version, paper=paper
    )


def reader(
    *,
    level: str | None = None,
    check: Check | None = None,
    composed: bool = False,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(pipeline, ...) -> Pipeline``: the file is read another way.

    Users may give ``frame``: the pipeline that is changed is then that of a benchmark. ``composed``
    says that the parameter ``members``, of type ``tuple[Spec, ...]``, names stresses; those of them
    that act on the model are the engine's.
    """

    def decorate(function: Callable[..., Any]) -> StressDefinition:
        return StressDefinition(
            name=function.__name__,
            function=function,
            parameters=(*parameters_of(function, skip=1), FRAME),
            tap=Tap.PIPELINE,
            axis="systematic",
            level=level,
            check=check,
            composed=composed,
            version=version,
            paper=paper,
        )

    return decorate


def sequence(
    *,
    tables: Mapping[int, Mapping[str, Any]],
    compare: Literal["first", "previous"] = "previous",
    check: Check | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(image, *, frames, ..., rng) -> Iterator[Image]``: a change that goes on in time.

    The function gets one resized, uncropped image, uint8 (H, W, 3), and yields ``frames`` images of
    the same size, one at a time; the engine crops each. ``tables`` maps a table (224, 299, 64, 32)
    to the published values of parameters, which users may then leave out; the size of the *cropped*
    frame chooses. Frames are compared with the ``previous`` one or, noise, with the ``first``. Users may
    give ``difficulty=1..3``: it picks from table values that are tuples of three where frames are
    compared with the first, and is the stride of the comparison elsewhere.
    """
    published = {name for values in tables.values() for name in values}

    def decorate(function: Callable[..., Any]) -> StressDefinition:
        own = parameters_of(function, skip=1, without=_GIVEN_BY_ENGINE)
        return StressDefinition(
            name=function.__name__,
            function=function,
            parameters=(
                Parameter("difficulty", int, 1),
                *(
                    Parameter(p.name, p.type | None, None) if p.name in published else p
                    for p in own
                ),
                FRAME,
                STORE,
            ),
            tap=Tap.RESIZED,
            axis="sequence",
            level="difficulty",
            tables=Tables(dict(tables), compare),
            check=check,
            version=version,
            paper=paper,
        )

    return decorate


def corruption(
    *,
    levels: Mapping[int, Sequence[Any]],
    lengths: Sequence[str] = (),
    check: Check | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(image, strength, ..., *, rng) -> Image`` with five published severities.

    ``levels`` maps a table (224, 299, 64, 32) to its five strengths, each a number or a tuple in the
    order of the function's strength parameters. Users give ``severity=1..5``, or a strength by name,
    and to every corruption ``frame`` and ``store``.
    ``lengths`` names the strengths in pixels, which grow with the frame between the tables.
    """

    def decorate(function: Callable[..., Any]) -> StressDefinition:
        own = parameters_of(function, skip=1, without=_GIVEN_BY_ENGINE)
        count = len(own) - len([p for p in own if not p.required])
        names = tuple(p.name for p in own[:count])
        table = Levels(names, dict(levels), frozenset(lengths))
        strengths = tuple(Parameter(p.name, p.type | None, None) for p in own[:count])
        return StressDefinition(
            name=function.__name__,
            function=function,
            parameters=(
                Parameter("severity", int | None, None),
                *strengths,
                *own[count:],
                FRAME,
                STORE,
            ),
            tap=Tap.IMAGE,
            axis="corruption",
            level="severity",
            levels=table,
            check=check,
            version=version,
            paper=paper,
        )

    return decorate


def image_stress(
    *,
    level: str | None = None,
    axis: Literal["corruption", "systematic"] = "corruption",
    check: Check | None = None,
    composed: bool = False,
    keeps: Keeps | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(image, ..., *, rng) -> Image``: a change of the frame without severities.

    Its parameters are plain ones; users may give ``frame`` and ``store`` as with a corruption.
    ``composed`` says that the parameter ``members``, of type ``tuple[Spec, ...]``, names stresses.
    ``keeps``, called like ``f``, says which pixels (H, W) stay as they are, where others are removed.
    """

    def decorate(function: Callable[..., Any]) -> StressDefinition:
        own = parameters_of(function, skip=1, without=_GIVEN_BY_ENGINE)
        return StressDefinition(
            name=function.__name__,
            function=function,
            parameters=(*own, FRAME, STORE),
            tap=Tap.IMAGE,
            axis=axis,
            level=level,
            check=check,
            composed=composed,
            keeps=keeps,
            version=version,
            paper=paper,
        )

    return decorate


def attack(
    *needs: Need,
    norms: Sequence[Norm] = NORMS,
    check: Check | None = None,
    passes: Passes | None = None,
    composed: bool = False,
    parts: Parts | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(model, x, goal, ball, *, ..., rng) -> Found``: an attack with a fixed budget.

    Users give ``eps``, one of ``norms`` and ``target``; to attacks that draw also ``restarts``. What
    it returns the engine brings into ball and box, judges by a fresh forward pass and measures. An
    attack made of others takes ``play`` (see `roadworthy.stress.play`); if it is ``composed``, their
    specs are its parameter ``members``, which take ``eps`` and ``norm`` from it.
    """

    def checked(arguments: Mapping[str, Any]) -> None:
        check_budget(arguments)
        _check_restarts(arguments)
        if check is not None:
            check(arguments)

    def extra(function: Callable[..., Any]) -> tuple[Parameter, ...]:
        return (
            Parameter("eps", float | Fraction),
            Parameter("norm", _one_of(norms), norms[0]),
            TARGET,
            *([RESTARTS] if "rng" in inspect.signature(function).parameters else []),
        )

    return _attack(
        extra,
        needs=frozenset(needs),
        level="eps",
        check=checked,
        passes=passes,
        composed=composed,
        parts=parts,
        version=version,
        paper=paper,
    )


def minimal_attack(
    *needs: Need,
    norms: Sequence[Norm],
    check: Check | None = None,
    passes: Passes | None = None,
    composed: bool = False,
    admits: Admits | None = None,
    most_classes: int | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(model, x, goal, geometry, *, ..., rng) -> Found``: the smallest change it finds.

    Users give one of ``norms`` and ``target``. For images it cannot change the attack returns
    anything that does not reach the goal, such as the image itself. One made of others takes
    ``play`` as with `attack`; ``admits`` looks at its members before they are resolved.
    """

    def extra(_function: Callable[..., Any]) -> tuple[Parameter, ...]:
        return (Parameter("norm", _one_of(norms), norms[0]), TARGET)

    return _attack(
        extra,
        needs=frozenset(needs),
        check=check,
        passes=passes,
        composed=composed,
        admits=admits,
        minimal=True,
        most_classes=most_classes,
        version=version,
        paper=paper,
    )


def normless_attack(
    *needs: Need,
    level: str | None = None,
    restarts: bool = False,
    check: Check | None = None,
    passes: Passes | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(model, x, goal, *, ..., rng) -> Found``: changes that no norm limits.

    Users give ``target`` and whatever limits the changes, such as angles or an area; ``level`` names
    it where it belongs in every variant's key. With ``restarts`` the engine tries again on images that
    hold. What it returns is clipped to the box and judged as that of any attack; records have the
    attack's name for a norm, so that its budget is compared with no other's.
    """

    def checked(arguments: Mapping[str, Any]) -> None:
        _check_restarts(arguments)
        if check is not None:
            check(arguments)

    def extra(_function: Callable[..., Any]) -> tuple[Parameter, ...]:
        return (TARGET, *([RESTARTS] if restarts else []))

    return _attack(
        extra,
        skip=3,
        needs=frozenset(needs),
        level=level,
        check=checked,
        passes=passes,
        normless=True,
        version=version,
        paper=paper,
    )


def probe(
    *needs: Need,
    norms: Sequence[Norm],
    everyone: bool = False,
    check: Check | None = None,
    passes: Passes | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(model, x, goal, geometry, *, ..., rng) -> Measured``: it measures, changing nothing.

    Users give one of ``norms`` and ``target``. It gets images that are right when clean; what it
    returns goes into columns of their records. A probe is no attack: metrics of attacks pass it over.
    One of ``everyone`` gets all images, and has no targets.
    """

    def decorate(function: Callable[..., Any]) -> StressDefinition:
        return _register(
            Tap.INPUT,
            "adversarial",
            4,
            cost="probe",
            extra=(Parameter("norm", _one_of(norms), norms[0]), *([] if everyone else [TARGET])),
            needs=frozenset(needs),
            check=check,
            passes=passes,
            measures=True,
            everyone=everyone,
            version=version,
            paper=paper,
        )(function)

    return decorate


def _attack(
    extra: Callable[[Callable[..., Any]], tuple[Parameter, ...]], *, skip: int = 4, **settings: Any
) -> Decorator:
    def decorate(function: Callable[..., Any]) -> StressDefinition:
        return _register(
            Tap.INPUT, "adversarial", skip, cost="attack", extra=extra(function), **settings
        )(function)

    return decorate


def _one_of(norms: Sequence[Norm]) -> Any:
    return Literal[tuple(norms)]


def _check_restarts(arguments: Mapping[str, Any]) -> None:
    if arguments.get("restarts", 1) < 1:
        raise UsageError(f"restarts must be at least 1, not {arguments['restarts']}")


def check_budget(arguments: Mapping[str, Any]) -> None:
    """Refuse budgets that mean nothing; warn of one that was probably meant in 255ths."""
    eps, norm = arguments["eps"], arguments["norm"]
    if not 0 <= eps < float("inf"):
        raise UsageError(f"eps must be a size, 0 or larger, not {eps}")
    if norm == "L0" and eps != int(eps):
        raise UsageError(f"under L0 eps is a number of elements, a whole number, not {eps}")
    if norm == "Linf" and eps > 1:
        _warn_of_255ths(float(eps))


@cache
def _warn_of_255ths(eps: float) -> None:
    """Say it once: a budget is looked at whenever an attack or a member of one is resolved."""
    print(
        f"warning: eps={eps:g} is larger than the whole range of a pixel, which is 0 to 1; "
        f"did you mean eps={eps:g}/255?",
        file=sys.stderr,
    )


def modifier(
    *,
    level: str | None = None,
    needs: Sequence[Need] = (),
    check: Check | None = None,
    applies: Applies | None = None,
    version: int = 1,
    paper: str | None = None,
) -> Decorator:
    """Register ``f(model, ...) -> Classifier``: the same classifier, computed another way.

    ``applies(model, (height, width), arguments)`` raises InapplicableError, cheaply, where a variant
    cannot be made of a model or changes nothing of it; this is then an ``n/a`` row.
    """
    return _register(
        Tap.MODEL,
        "systematic",
        1,
        level=level,
        needs=frozenset(needs),
        check=check,
        applies=applies,
        version=version,
        paper=paper,
    )
