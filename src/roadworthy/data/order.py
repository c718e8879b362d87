"""The order in which samples are measured: every prefix is a stratified sample of the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from roadworthy.seed import digest
from roadworthy.types import Sample


def order(samples: Sequence[Sample], *, seed: int) -> list[Sample]:
    """Return ``samples`` in an order of which any prefix is a stratified, unbiased sample.

    Inside a class samples follow BLAKE2b(seed, id). The sample of rank r in a class of n takes
    the place (r + u) / n, where u in [0, 1) is drawn once a class: every class is spread evenly
    over the whole (systematic sampling with a random start; Madow and Madow 1944). The order does
    not depend on the order of ``samples``, and one image more or less changes at most one other
    member of any prefix; see docs/design/sample_order.md.
    """
    by_class: dict[int, list[tuple[str, str, Sample]]] = defaultdict(list)
    for sample in samples:
        by_class[sample.label].append((digest("sample", seed, sample.id), sample.id, sample))
    places = []
    for label, members in by_class.items():
        members.sort(key=lambda member: member[:2])
        start = int(digest("class", seed, label, size=6), 16) / 2**48
        for rank, (_, _, sample) in enumerate(members):
            places.append(((rank + start) / len(members), label, rank, sample))
    places.sort(key=lambda place: place[:3])
    return [sample for *_, sample in places]
