"""What a stage of the pipeline is, the decorators that make one, and where they are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.registry import Definition, Registry


@dataclass(frozen=True, kw_only=True)
class Stage(Definition):
    """One named, versioned way of doing one step; a new version says that its pixels changed."""


@dataclass(frozen=True, kw_only=True)
class Decoder(Stage):
    """``f(data: bytes) -> Image``; gets checked bytes without metadata, never turns the picture."""


@dataclass(frozen=True, kw_only=True)
class Orient(Stage):
    """``f(image, exif: bytes) -> Image``; ``exif`` is the file's TIFF-like block, often empty."""


@dataclass(frozen=True, kw_only=True)
class Profile(Stage):
    """``f(image, data: bytes) -> Image``; ``data`` is the whole file, with its ICC profile."""


@dataclass(frozen=True, kw_only=True)
class Resizer(Stage):
    """``f(image, size, kernel) -> Image`` for every filter of one library; ``size`` is (H, W)."""

    filters: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Geometry(Stage):
    """``f(height, width, fit: Fit) -> (height, width)``: the size to resize to before the crop.

    Of each side only the central part ``inner`` is resized; what the crop asks for beyond the edge
    shows ``fill``.
    """

    fill: int = 0
    inner: float = 1.0


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


def decoder(function: Callable[..., Any]) -> Decoder:
    """Register ``f(data) -> Image`` under the name of the function, which is that of its file."""
    return Decoder(name=function.__name__, function=function, parameters=())


def orient(function: Callable[..., Any]) -> Orient:
    """Register ``f(image, exif) -> Image``."""
    return Orient(name=function.__name__, function=function, parameters=())


def profile(function: Callable[..., Any]) -> Profile:
    """Register ``f(image, data) -> Image``."""
    return Profile(name=function.__name__, function=function, parameters=())


def resizer(*filters: str) -> Callable[[Callable[..., Any]], Resizer]:
    """Register ``f(image, size, kernel) -> Image``; its names are ``<function>-<filter>``."""

    def decorate(function: Callable[..., Any]) -> Resizer:
        return Resizer(name=function.__name__, function=function, parameters=(), filters=filters)

    return decorate


def geometry(*, fill: int = 0, inner: float = 1.0) -> Callable[[Callable[..., Any]], Geometry]:
    """Register ``f(height, width, fit) -> (height, width)``; see `Geometry` for the rest."""

    def decorate(function: Callable[..., Any]) -> Geometry:
        return Geometry(
            name=function.__name__, function=function, parameters=(), fill=fill, inner=inner
        )

    return decorate


def colour(function: Callable[..., Any]) -> Colour:
    """Register ``f(image) -> Image``."""
    return Colour(name=function.__name__, function=function, parameters=())


def _place(folder: str) -> dict[str, Any]:
    return {"packages": (f"{__package__}.{folder}",), "group": f"roadworthy.{folder}"}


DECODERS = Registry("decoder", Decoder, **_place("decoders"))
ORIENTS = Registry("orient", Orient, **_place("orients"))
PROFILES = Registry("profile", Profile, **_place("profiles"))
RESIZERS = Registry("resizer family", Resizer, **_place("resizers"))
GEOMETRIES = Registry("geometry", Geometry, **_place("geometries"))
COLOURS = Registry("colour", Colour, **_place("colours"))


def resizer_names() -> tuple[str, ...]:
    """Return every name that ``resize=`` takes, ``<family>-<filter>``, sorted by family."""
    return tuple(f"{name}-{item}" for name in RESIZERS for item in RESIZERS.get(name).filters)


def find_resizer(name: str) -> tuple[Resizer, str]:
    """Split ``<family>-<filter>`` and return both; raises UsageError with the nearest name."""
    for family in sorted(RESIZERS, key=len, reverse=True):
        kernel = name.removeprefix(f"{family}-")
        if kernel != name and kernel in RESIZERS.get(family).filters:
            return RESIZERS.get(family), kernel
    known = resizer_names()
    raise UsageError(
        f"no resizer is called '{name}'{did_you_mean(name, known)} (known: {', '.join(known)})"
    )
