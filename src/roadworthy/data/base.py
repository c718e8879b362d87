"""What a data reader is, and the one data set type that every reader returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from roadworthy.pipeline.published import FrameName
from roadworthy.registry import Definition, parameters_of
from roadworthy.seed import digest
from roadworthy.types import Classes, Dataset, Image, Sample

Columns = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DataDefinition(Definition):
    """A reader of labelled images: ``function(path, **parameters)`` returns a ``Dataset``."""


def dataset(function: Callable[..., Dataset]) -> DataDefinition:
    """Register a reader; its parameters are those of ``function`` after the path."""
    parameters = parameters_of(function, skip=1)
    return DataDefinition(name=function.__name__, function=function, parameters=parameters)


@dataclass(frozen=True)
class Films:
    """How the samples of a data set are read whole, where they are sequences of frames.

    ``read(sample)`` returns the frames, uint8 (H, W, 3), and raises SampleError where it cannot;
    each is compared with the one ``stride(sample)`` before it, or, None, with the first.
    """

    read: Callable[[Sample], list[Image]]
    stride: Callable[[Sample], int | None]


@dataclass(frozen=True)
class Images:
    """Labelled encoded images, listed once; ``fetch`` reads the bytes of one sample.

    ``fetch`` raises SampleError where it cannot, and is safe to call from several threads. ``frame``
    is ``untouched`` for sets whose images are frames already: no model's pipeline resizes them.
    Where there are ``films``, the image of a sample is one frame of its film, and what is judged is
    all of them.
    """

    spec: str
    classes: Classes
    samples: Sequence[Sample] = field(repr=False)
    fetch: Callable[[Sample], bytes] = field(repr=False)
    frame: FrameName = "own"
    films: Films | None = field(default=None, repr=False)

    def read(self, sample: Sample) -> bytes:
        """Return the encoded bytes of one sample; raises SampleError naming it if it cannot."""
        return self.fetch(sample)


def content_of(source: object, label: int, columns: Columns | None = None) -> str:
    """Return 16 hex characters that change with the bytes, the label or the ``target`` column.

    ``source`` is the digest of the encoded bytes, or what stands for it. Other columns are notes:
    editing a credit line must not redo a measurement.
    """
    target = (columns or {}).get("target")
    return digest(source, label, *(() if target is None else (target,)), size=8)


def unique_ids(ids: Sequence[str]) -> list[str]:
    """Return ``ids`` with repeated ones numbered in order: ``a``, ``a#2``, ``a#3``."""
    taken = set(ids)
    seen: dict[str, int] = {}
    out = []
    for name in ids:
        if name not in seen:
            seen[name] = 1
            out.append(name)
            continue
        unique = name
        while unique in taken:
            seen[name] += 1
            unique = f"{name}#{seen[name]}"
        taken.add(unique)
        out.append(unique)
    return out
