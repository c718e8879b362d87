"""Ways to read files that suites sweep: published ones by name, and all that are registered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from roadworthy.pipeline.stages import decoder_names, resizer_names
from roadworthy.spec import Spec, parse
from roadworthy.stress.bound import stress

Which = Literal["available", "published"]
Geometry = Literal["own", "squash256", "imagenet"]

DECODERS = ("pillow", "opencv", "pyav-bicubic")
"""The three that ImageNet-S was made with; the last is what the command ``ffmpeg`` does."""

RESIZERS = (
    *("pillow-bilinear", "pillow-nearest", "pillow-box"),
    *("pillow-hamming", "pillow-bicubic", "pillow-lanczos"),
    *("opencv-nearest", "opencv-linear", "opencv-area", "opencv-cubic", "opencv-lanczos4"),
)
"""The eleven that ImageNet-S was made with."""


def decoders(which: Which) -> list[str]:
    """Return the published decoders and, of those ``available``, all others that are registered."""
    return _with_others(DECODERS, decoder_names(), which)


def resizers(which: Which) -> list[str]:
    """Return the published resizers and, of those ``available``, all others that are registered."""
    return _with_others(RESIZERS, resizer_names(), which)


def _with_others(published: Sequence[str], known: Iterable[str], which: Which) -> list[str]:
    others = [] if which == "published" else [name for name in known if name not in published]
    return [*published, *others]


def decoded(name: str, frame: str = "own") -> str:
    """Return the stress that decodes with ``name``."""
    return _spec("decoder", {"decode": name}, frame)


def resized(name: str, frame: str = "own") -> str:
    """Return the stress that resizes with ``name``."""
    return _spec("resizer", {"resize": name}, frame)


def changed(text: str, frame: str = "own") -> str:
    """Return a stress that acts on the model as everyone writes it, in a frame as part of a stack."""
    return stress(text).spec if frame == "own" else stacked([stress(text).spec], frame)


def stacked(members: Sequence[str], frame: str = "own") -> str:
    """Return the stress that makes all changes of ``members`` at once."""
    plain = []
    for member in map(parse, members):
        params = tuple(given for given in member.params if given[0] != "frame")
        plain.append(Spec(member.name, member.args, params))
    return str(Spec("stack", tuple(plain), (("frame", frame),) if frame != "own" else ()))


def _spec(name: str, params: dict[str, str], frame: str) -> str:
    framed = {} if frame == "own" else {"frame": frame}
    return str(Spec(name, (), tuple({**params, **framed}.items())))
