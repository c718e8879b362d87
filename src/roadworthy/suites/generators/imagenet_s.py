"""ImageNet-S: other decoders and resizers than those that the model was trained with."""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.pipeline.stages import find_decoder, find_resizer
from roadworthy.spec import Sweep
from roadworthy.suites.generators.base import Members, suite
from roadworthy.suites.reading import (
    Geometry,
    Which,
    decoded,
    decoders,
    resized,
    resizers,
    stacked,
)


@suite("decoder", "resize", headline="worst_drop", paper="Wang et al., ImageNet-S, 2021")
def imagenet_s(
    *,
    geometry: Geometry = "own",
    grid: bool = False,
    pipelines: Which | None = None,
    decoder: str | None = None,
    resize: str | None = None,
) -> Members:
    """Read the same files with other decoders and resizers, everything else as the model has it.

    A star, as its authors evaluate it: every resizer with the model's decoder, and every decoder with
    the model's resizer. ``pipelines`` are one of each ``kinds`` (default of a star), the 3 decoders and 11
    resizers ``published`` with the paper (default of ``grid``, which takes all pairs), or all that are
    ``available``. ``decoder`` and ``resize`` name one or several
    instead; both together are pairs. ``geometry=squash256`` is the published protocol: straight to
    256 x 256, central 224, against Pillow with bilinear resizing; ``imagenet`` keeps the aspect. What
    gives the same pixels is judged once. Wang et al., "Real world robustness from systematic noise",
    2021.
    """
    pairs = grid or (decoder is not None and resize is not None)
    which = pipelines or ("published" if pairs else "kinds")
    first = _listed(decoder, find_decoder) or (decoders(which) if pairs or resize is None else [])
    second = _listed(resize, find_resizer) or (resizers(which) if pairs or decoder is None else [])
    if pairs:
        every = [(decoded(one), resized(other)) for one in first for other in second]
        return Members({"pair": [stacked(pair, geometry) for pair in every]})
    decode = [decoded(name, geometry) for name in first]
    factors = {"decode": decode, "resize": [resized(name, geometry) for name in second]}
    return Members({name: members for name, members in factors.items() if members})


def _listed(given: object, find: Callable[[str], object]) -> list[str]:
    """Return the names given, none if None; raises UsageError, by ``find``, for an unknown one."""
    several = given.values if isinstance(given, Sweep) else (given,)
    names = [str(name) for name in several if name is not None]
    for name in names:
        find(name)
    return names
