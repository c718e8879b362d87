"""What a stage of the pipeline is, the decorators that make one, and where they are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial, update_wrapper
from typing import Any, Protocol, TypeVar

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.registry import Definition, Registry


@dataclass(frozen=True, kw_only=True)
class Stage(Definition):
    """One named, versioned way of doing one step; a new version says that its pixels changed.

    ``needs`` is the module that must be importable, if it is not part of every installation, and
    ``extra`` the pip extra that brings it.
    """

    needs: str = ""
    extra: str = ""


StageT = TypeVar("StageT", bound=Stage)


@dataclass(frozen=True, kw_only=True)
class Decoder(Stage):
    """``f(data: bytes, variant: str) -> Image``: checked bytes without metadata, never turned.

    Its names are ``<name>-<variant>``, or the name alone for the variant "". Of the containers
    that it does not read itself, those for which ``reads(data)`` is false, Pillow decodes all.
    ``words`` say of variants, by name, what tells them from the others.
    """

    variants: tuple[str, ...] = ("",)
    words: Mapping[str, str] = field(default_factory=dict)
    reads: Callable[[bytes], bool] = bool


@dataclass(frozen=True, kw_only=True)
class Orient(Stage):
    """``f(image, exif: bytes) -> Image``; ``exif`` is the file's TIFF-like block, often empty."""


@dataclass(frozen=True, kw_only=True)
class Profile(Stage):
    """``f(image, icc: bytes) -> Image``; ``icc`` is the file's colour profile, often empty."""


Part = tuple[int, int, int, int]
"""Part of a picture: top, left, height, width."""


@dataclass(frozen=True, kw_only=True)
class Resizer(Stage):
    """``f(image, size, kernel) -> Image`` for every filter of one library; ``size`` is (H, W).

    ``part(image, size, kernel, part)``, if there is one, returns that part of the same result, bit
    for bit, in less time.
    """

    filters: tuple[str, ...]
    part: Callable[..., Any] | None = None


def middle(have: int, want: int) -> int:
    """Return where ``want`` pixels in the middle of ``have`` begin, as torchvision rounds.

    Half of the difference, half to even; where the picture is the smaller, it lies ``-middle`` pixels
    inside, rounded down.
    """
    return round((have - want) / 2) if have >= want else -((want - have) // 2)


@dataclass(frozen=True, kw_only=True)
class Geometry(Stage):
    """``f(height, width, fit: Fit) -> (height, width)``: what a picture is resized to.

    ``part(height, width, fit)`` is what is resized of a picture, all of it if None; the function then
    gets the size of that part. Of the result the frame begins at ``offset(have, want)`` on each
    side, a negative number where it is smaller; beyond its edge is ``fill``. ``crops`` says whether
    the fraction ``crop`` plays a part.
    """

    part: Callable[[int, int, Fit], Part] | None = None
    offset: Callable[[int, int], int] = middle
    fill: int = 0
    crops: bool = False


@dataclass(frozen=True, kw_only=True)
class Colour(Stage):
    """``f(image) -> Image`` on the final frame."""


class Fit(Protocol):
    """What a geometry is told: the frame (H, W), the crop fraction and the explicit size."""

    @property
    def size(self) -> tuple[int, int] | None:
        """The frame."""

    @property
    def crop(self) -> float:
        """Crop fraction."""

    @property
    def resize_to(self) -> int | None:
        """Explicit side, or None."""


def decoder(
    *variants: str,
    words: Mapping[str, str] | None = None,
    reads: Callable[[bytes], bool] = bool,
    needs: str = "",
    extra: str = "",
) -> Callable[[Callable[..., Any]], Decoder]:
    """Register ``f(data, variant) -> Image`` under the name of the function and its file.

    Its variants are those that are given or described.
    """
    said = dict(words or {})
    names = tuple(dict.fromkeys((*variants, *said))) or ("",)

    def decorate(function: Callable[..., Any]) -> Decoder:
        settings = {"reads": reads, "needs": needs, "extra": extra}
        return stage(Decoder, function, variants=names, words=said, **settings)

    return decorate


def orient(function: Callable[..., Any]) -> Orient:
    """Register ``f(image, exif) -> Image``."""
    return stage(Orient, function)


def profile(function: Callable[..., Any]) -> Profile:
    """Register ``f(image, icc) -> Image``."""
    return stage(Profile, function)


def resizer(
    *filters: str,
    part: Callable[..., Any] | None = None,
    needs: str = "",
    extra: str = "decoders",
    version: int = 1,
) -> Callable[[Callable[..., Any]], Resizer]:
    """Register ``f(image, size, kernel) -> Image``; its names are ``<function>-<filter>``."""

    def decorate(function: Callable[..., Any]) -> Resizer:
        settings = {"part": part, "needs": needs, "extra": extra, "version": version}
        return stage(Resizer, function, filters=filters, **settings)

    return decorate


def geometry(**settings: Any) -> Callable[[Callable[..., Any]], Geometry]:
    """Register ``f(height, width, fit) -> (height, width)`` with the fields of `Geometry`."""

    def decorate(function: Callable[..., Any]) -> Geometry:
        return stage(Geometry, function, **settings)

    return decorate


def stage(kind: type[StageT], function: Callable[..., Any], **settings: Any) -> StageT:
    """Return a stage under the name of its function, which is that of its file."""
    return kind(name=function.__name__, function=function, parameters=(), **settings)


def colour(function: Callable[..., Any]) -> Colour:
    """Register ``f(image) -> Image``."""
    return stage(Colour, function)


def place(folder: str) -> dict[str, Any]:
    """Return where the stages of one kind are found."""
    packages = (f"{__package__}.{folder}",)
    return {"packages": packages, "group": f"roadworthy.{folder}", "listed": (folder,)}


DECODERS = Registry("decoder", Decoder, **place("decoders"))
ORIENTS = Registry("orient", Orient, **place("orients"))
PROFILES = Registry("profile", Profile, **place("profiles"))
RESIZERS = Registry("resizer family", Resizer, **place("resizers"))
GEOMETRIES = Registry("geometry", Geometry, **place("geometries"))
COLOURS = Registry("colour", Colour, **place("colours"))


def decoder_names() -> tuple[str, ...]:
    """Return every name that ``decoder=`` takes, whether or not its package is installed."""
    return tuple(
        f"{name}-{variant}" if variant else name
        for name in DECODERS
        for variant in DECODERS.get(name).variants
    )


@cache
def find_decoder(name: str) -> Decoder:
    """Return the decoder called ``name`` as one ``f(data) -> Image``; UsageError with the nearest.

    It is not asked here whether the package that it needs is installed.
    """
    for family in sorted(DECODERS, key=len, reverse=True):
        found = DECODERS.get(family) if name.startswith(family) else None
        variant = name.removeprefix(family).removeprefix("-")
        if (
            found
            and variant in found.variants
            and name == "-".join(filter(None, (family, variant)))
        ):
            bound = update_wrapper(partial(_decoded, found, variant), found.function)
            return replace(found, name=name, function=bound)
    raise UsageError(
        f"no decoder is called '{name}'{did_you_mean(name, decoder_names())} "
        f"(`roadworthy ls decoders` shows what there is)"
    )


def _decoded(found: Decoder, variant: str, data: bytes) -> Any:
    if found.reads(data):
        return found.function(data, variant)
    return DECODERS.get("pillow").function(data, "")


def resizer_names() -> tuple[str, ...]:
    """Return every name that ``resize=`` takes, ``<family>-<filter>``, sorted by family."""
    return tuple(f"{name}-{item}" for name in RESIZERS for item in RESIZERS.get(name).filters)


def find_resizer(name: str) -> tuple[Resizer, str]:
    """Split ``<family>-<filter>`` and return both; raises UsageError with the nearest name."""
    for family in sorted(RESIZERS, key=len, reverse=True):
        kernel = name.removeprefix(f"{family}-")
        if kernel != name and kernel in RESIZERS.get(family).filters:
            return RESIZERS.get(family), kernel
    raise UsageError(
        f"no resizer is called '{name}'{did_you_mean(name, resizer_names())} "
        f"(`roadworthy ls resizers` shows what there is)"
    )
