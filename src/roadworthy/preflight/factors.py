"""In what two pipelines differ: factors, each of which can be swapped by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.probe import decode_hash
from roadworthy.preflight.fitting import rule_of
from roadworthy.preflight.shapes import window_of
from roadworthy.preflight.statistics import words_of
from roadworthy.preflight.tensors import Numbers

FIELDS: dict[str, tuple[str, ...]] = {
    "decoder": ("decoder",),
    "orient": ("orient",),
    "profile": ("profile",),
    "cmyk": ("cmyk",),
    "depth": ("depth",),
    "alpha": ("alpha",),
    "yuv": ("yuv",),
    "resize": ("resize",),
    "light": ("light",),
    "geometry": ("size", "geometry", "crop", "resize_to", "fill"),
    "colour": ("colour",),
}
"""Factors in the order of the stages, and the fields of a pipeline that each is about."""

PARTS = {"geometry": ("size", "geometry")}
"""Parts of an identity that a factor needs known, where they are not called as it is."""


SHAPES = tuple(
    (h, w) for h in range(61, 1200, 97) for w in (h, h + 1, h * 4 // 3 + 1, h * 2 - 3, h // 2)
)
"""Pictures, (H, W), by which two geometries are told apart."""


@dataclass(frozen=True)
class Reader:
    """One way to read files: a pipeline of ours, and how its frames are normalised."""

    pipeline: Pipeline
    numbers: Numbers


@dataclass(frozen=True)
class Factor:
    """One difference: its name, both sides in words, and training with only this one swapped."""

    name: str
    before: str
    after: str
    reader: Reader

    @property
    def change(self) -> str:
        """Both sides in words."""
        return f"{self.before} -> {self.after}"


def factors(before: Reader, after: Reader, *, open_parts: set[str]) -> list[Factor]:
    """Return what tells ``after`` from ``before``, factor by factor; unknown ones are left out.

    Stages that read alike, bit for bit, are no difference. ``open_parts`` are those that are unknown
    in either.
    """
    found = [
        Factor(name, _said(before.pipeline, name), _said(after.pipeline, name), swapped)
        for name, swapped in _swaps(before, after)
        if not open_parts & set(PARTS.get(name, (name,)))
    ]
    if before.numbers != after.numbers and "normalisation" not in open_parts:
        mine, theirs = (words_of(n.mean, n.std)[0] for n in (before.numbers, after.numbers))
        if mine != theirs:
            swapped = replace(before, numbers=after.numbers)
            found.append(Factor("normalisation", mine, theirs, swapped))
    return found


def _swaps(before: Reader, after: Reader) -> Iterator[tuple[str, Reader]]:
    for name, fields in FIELDS.items():
        changes: dict[str, Any] = {f: getattr(after.pipeline, f) for f in fields}
        pipeline = replace(before.pipeline, **changes)
        if pipeline != before.pipeline and not _alike(pipeline, before.pipeline, name):
            yield name, replace(before, pipeline=pipeline)


def _alike(first: Pipeline, second: Pipeline, factor: str) -> bool:
    """Whether two pipelines that differ in one factor read all files to the same pixels."""
    if factor == "decoder":
        return decode_hash(first) == decode_hash(second)
    return factor == "geometry" and same_geometry(first, second)


def same_geometry(first: Pipeline, second: Pipeline) -> bool:
    """Whether two pipelines fit pictures of all shapes to the frame alike, down to the pixel."""
    if first.size is None or first.size != second.size:
        return first.size == second.size
    return all(window_of(*shape, first) == window_of(*shape, second) for shape in SHAPES)


def settled(before: Pipeline, after: Pipeline) -> Pipeline:
    """Return ``after`` with the words of ``before`` for a geometry that is the same."""
    if not same_geometry(before, after):
        return after
    return replace(after, **{f: getattr(before, f) for f in FIELDS["geometry"]})


def _said(pipeline: Pipeline, name: str) -> str:
    if name != "geometry":
        return str(getattr(pipeline, FIELDS[name][0]))
    if pipeline.size is None:
        return "none"
    return f"{rule_of(pipeline)} to {'x'.join(map(str, pipeline.size))}"
