"""Names of the stages with one line on each, for ``ls`` and ``show``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec

from roadworthy.pipeline.colour_stages import (
    ALPHAS,
    CMYKS,
    DEPTHS,
    LIGHTS,
    YUVS,
    find_yuv,
    yuv_names,
)
from roadworthy.pipeline.families import family_of
from roadworthy.pipeline.stages import (
    COLOURS,
    DECODERS,
    GEOMETRIES,
    ORIENTS,
    PROFILES,
    Stage,
    StageT,
    decoder_names,
    find_decoder,
    find_resizer,
    resizer_names,
)
from roadworthy.pipeline.yuv import RANGES
from roadworthy.registry import Registry


def _yuv(name: str) -> Stage:
    found = find_yuv(name)
    assert found is not None
    return found


Stages = tuple[Callable[[], Iterable[str]], Callable[[str], Stage], Callable[[str], str]]

KINDS: dict[str, Stages] = {
    "decoders": (decoder_names, find_decoder, lambda name: _of_decoder(name)),
    "resizers": (
        resizer_names,
        lambda name: find_resizer(name)[0],
        lambda name: _in_words(name),
    ),
    **{
        kind: (registry.__iter__, registry.get, registry.summary)
        for kind, registry in (
            ("geometries", GEOMETRIES),
            ("colours", COLOURS),
            ("orients", ORIENTS),
            ("profiles", PROFILES),
            ("cmyks", CMYKS),
            ("depths", DEPTHS),
            ("alphas", ALPHAS),
            ("lights", LIGHTS),
        )
    },
    "yuvs": (yuv_names, _yuv, lambda name: _of_yuv(name)),
}
"""How the names of each kind are listed, looked up and described."""


def stages(kind: str) -> dict[str, str]:
    """Return the names of a kind with a line on each, and which packages are missing."""
    names, find, summary = KINDS[kind]
    return {name: summary(name) + _missing(find(name)) for name in names()}


def found(name: str) -> list[tuple[str, Stage]]:
    """Return the stages called ``name``, with their kinds."""
    return [(kind, find(name)) for kind, (names, find, _) in KINDS.items() if name in set(names())]


def _of_decoder(name: str) -> str:
    words = find_decoder(name).words
    file = _file(DECODERS, name)
    variant = name.removeprefix(file).removeprefix("-")
    return words.get(variant) or DECODERS.summary(file)


def _in_words(resizer: str) -> str:
    family = family_of(resizer)
    return family.words + f" [{family.key}]" * (len(family.members) > 1)


def _missing(stage: Stage) -> str:
    if not stage.needs or find_spec(stage.needs):
        return ""
    return f"; needs roadworthy[{stage.extra}], which is not installed here"


def _of_yuv(name: str) -> str:
    _, matrix, levels = name.rsplit("-", 2)
    low, height, _ = RANGES[levels]
    summary = YUVS.summary(_file(YUVS, name)).rstrip(".")
    return f"{summary}; BT.{matrix[2:]}, luma from {low} to {low + height}."


def _file(registry: Registry[StageT], name: str) -> str:
    return next(f for f in sorted(registry, key=len, reverse=True) if name.startswith(f))
