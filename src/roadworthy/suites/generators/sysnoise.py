"""SysNoise: every difference between training and deployment, and the worst of each kind together."""

from __future__ import annotations

from functools import partial

from roadworthy.suites.generators.base import Members, Results, suite
from roadworthy.suites.reading import (
    Geometry,
    Which,
    changed,
    decoded,
    decoders,
    resized,
    resizers,
    stacked,
)
from roadworthy.suites.worst import worst_of

STACKED = ("decode", "resize", "colour", "int8", "ceil")
"""What is stacked, in this order; half precision changes next to nothing."""

OTHERS = {
    "colour": ("yuv(layout=yuv444)", "yuv(layout=nv12)"),
    "fp16": ("precision(dtype=fp16)",),
    "int8": ("quantize(bits=8)",),
    "ceil": ("ceil_mode",),
}
"""What is changed beside decoders and resizers."""


@suite(headline="worst_drop", paper="Wang et al., SysNoise, MLSys 2023")
def sysnoise(*, pipelines: Which = "kinds", geometry: Geometry = "own") -> Members:
    """Change one thing at a time, then the worst option of each kind together.

    Decoders, resizers, the way through YUV, half precision, 8 bits, pooling that rounds up where the
    network has such. Then the option of each kind that costs most, on these images, is stacked in
    the order decode, resize, colour, 8 bits, pooling: a stage of its own for what follows from the
    results. ``pipelines`` are one decoder and resizer of each ``kinds``, those ``published`` with
    ImageNet-S, or all that are ``available``; ``geometry`` is that of the frames. Wang et al.,
    "SysNoise", MLSys 2023.
    """
    factors: dict[str, list[str]] = {
        "decode": [decoded(name, geometry) for name in decoders(pipelines)],
        "resize": [resized(name, geometry) for name in resizers(pipelines)],
        **{name: [changed(one, geometry) for one in members] for name, members in OTHERS.items()},
    }
    return Members(factors, partial(_stacks, geometry))


def _stacks(frame: str, results: Results) -> list[str]:
    """Return the worst options stacked: two of them, three, and so on."""
    known = results.factors
    found = [worst_of(known[name], results) for name in STACKED if name in known]
    worst = [one for one in found if one is not None]
    return [stacked(worst[:count], frame) for count in range(2, len(worst) + 1)]
