"""What is examined: anything that turns a file into a tensor, and who provides it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from roadworthy.pipeline.base import Pipeline
from roadworthy.registry import Definition, Registry, parameters_of

Stats = tuple[float, float, float]

BYTES = "the bytes of a file"
PICTURES = "Pillow pictures"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A pipeline under examination: what it is called, and how to have it read a file.

    ``give(name, data)`` returns whatever the pipeline makes of the file ``data`` called ``name``,
    and may raise anything. ``takes`` says in words what the pipeline itself is given; where that
    is not the bytes, ``decoder`` names who decoded them. ``recipe`` is set where the whole is one
    of our own and nothing needs to be found out, with ``mean`` and ``std`` where they are said.
    ``repeats`` is whether it may be asked twice.
    """

    spec: str
    give: Callable[[str, bytes], Any]
    takes: str = BYTES
    decoder: str = ""
    library: str = ""
    recipe: Pipeline | None = None
    mean: Stats | None = None
    std: Stats | None = None
    repeats: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Provider(Definition):
    """A kind of pipeline that a text can name; ``takes`` is as for models."""

    takes: Literal["name", "path"] | None = None


def provider(function: Callable[..., Any]) -> Provider:
    """Register a provider: its first parameter is called ``name`` or ``path`` if it takes one.

    ``NAME/name(…)`` and ``NAME:path(…)`` are then its texts; it returns a `Subject`.
    """
    first = next(iter(inspect.signature(function).parameters), "")
    takes: Literal["name", "path"] | None = None
    if first == "name":
        takes = "name"
    elif first == "path":
        takes = "path"
    return Provider(
        name=function.__name__,
        function=function,
        parameters=parameters_of(function, skip=1 if takes else 0),
        takes=takes,
    )


PROVIDERS = Registry(
    "pipeline", Provider, ("roadworthy.preflight.providers",), "roadworthy.pipelines"
)
