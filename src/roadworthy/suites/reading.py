"""Ways to read files that suites sweep: published ones, one of each kind, and all there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from roadworthy.pipeline.stages import decoder_names, resizer_names
from roadworthy.spec import Spec, Value, parse

Which = Literal["kinds", "published", "available"]
Geometry = Literal["own", "squash256", "imagenet"]

DECODERS = ("pillow", "opencv", "pyav-bicubic")
"""The three that ImageNet-S was made with; the last is what the command ``ffmpeg`` does."""

RESIZERS = (
    *("pillow-bilinear", "pillow-nearest", "pillow-box"),
    *("pillow-hamming", "pillow-bicubic", "pillow-lanczos"),
    *("opencv-nearest", "opencv-linear", "opencv-area", "opencv-cubic", "opencv-lanczos4"),
)
"""The eleven that ImageNet-S was made with."""

OTHER_KINDS = (
    *("pyvips-mitchell", "swscale-gauss"),
    *("torch-area", "tensorflow-bilinear-asymmetric"),
)
"""Resizers of other families in use: of thumbnails, of video, of networks, of TensorFlow 1."""


def decoders(which: Which) -> list[str]:
    """Return the published decoders and, unless ``published``, all others that are registered.

    Those that decode alike are judged once in any case, so that every kind may come along.
    """
    others = () if which == "published" else decoder_names()
    return list(dict.fromkeys((*DECODERS, *others)))


def resizers(which: Which) -> list[str]:
    """Return the published resizers, and those of other kinds or all that are registered."""
    others = {"published": (), "kinds": OTHER_KINDS, "available": resizer_names()}
    return list(dict.fromkeys((*RESIZERS, *others[which])))


def decoded(name: str, frame: str = "own") -> str:
    """Return the stress that decodes with ``name``."""
    return _spec("decoder", {"decode": name}, frame)


def resized(name: str, frame: str = "own") -> str:
    """Return the stress that resizes with ``name``."""
    return _spec("resizer", {"resize": name}, frame)


def changed(text: str, frame: str = "own") -> str:
    """Return a stress in a frame: one that acts on the model only as part of a stack."""
    return text if frame == "own" else stacked([text], frame)


def stacked(members: Sequence[str], frame: str = "own") -> str:
    """Return the stress that makes all changes of ``members`` at once, stacks among them laid flat."""
    plain: list[Value] = []
    for member in map(parse, members):
        if member.name == "stack":
            plain.extend(member.args)
            continue
        params = tuple(given for given in member.params if given[0] != "frame")
        plain.append(Spec(member.name, member.args, params))
    return str(Spec("stack", tuple(plain), (("frame", frame),) if frame != "own" else ()))


def _spec(name: str, params: dict[str, str], frame: str) -> str:
    framed = {} if frame == "own" else {"frame": frame}
    return str(Spec(name, (), tuple({**params, **framed}.items())))
