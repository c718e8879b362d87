"""The order in which samples are measured: every prefix is a stratified sample of the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from roadworthy.seed import digest, digests
from roadworthy.types import Sample


def order(samples: Sequence[Sample], *, seed: int) -> list[Sample]:
    """Return ``samples`` in an order of which any prefix is a stratified, unbiased sample.

    Inside a class samples follow BLAKE2b(seed, id). The classes are interleaved evenly, each in
    proportion to its size, on a ring that is entered at a random place (systematic sampling,
    Madow and Madow 1944), so that every sample is among the first k of n with probability k/n.
    The order does not depend on the order of ``samples``; one image more or less changes at most
    two of the members of any prefix (docs/design/sample_order.md).
    """
    by_class: dict[int, list[Sample]] = defaultdict(list)
    place = digests("sample", seed)
    for sample in sorted(samples, key=lambda s: (place(s.id), s.id)):
        by_class[sample.label].append(sample)
    offsets = {label: _share("class", seed, label) for label in by_class}
    ring = sorted(
        ((turn + offsets[label]) / len(members), label)
        for label, members in by_class.items()
        for turn in range(len(members))
    )
    start = int(_share("start", seed) * len(ring))
    following = {label: iter(members) for label, members in by_class.items()}
    return [next(following[label]) for _, label in ring[start:] + ring[:start]]


def _share(*parts: object) -> float:
    """Return a number in [0, 1) that is drawn for ``parts``."""
    return int(digest(*parts, size=6), 16) / 2**48
