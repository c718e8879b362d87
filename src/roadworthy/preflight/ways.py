"""Ways to get images to a network: by stages of ours, or by the pipeline itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from roadworthy.engine.frames import Counters, Product, prepare
from roadworthy.engine.options import cores
from roadworthy.errors import SampleError
from roadworthy.models.user_code import last_words
from roadworthy.pipeline.integrity import quoted
from roadworthy.preflight.base import Subject
from roadworthy.preflight.calling import to_array
from roadworthy.preflight.factors import Reader
from roadworthy.preflight.layout import Floats, Layout
from roadworthy.preflight.quietly import quietly
from roadworthy.preflight.tensors import Numbers
from roadworthy.types import Dataset, Sample


@dataclass(frozen=True)
class Itself:
    """A pipeline as it is, called for every image; ``layout`` is the form of what it returns."""

    subject: Subject
    layout: Layout


Way = Reader | Itself

Levels = dict[int, Floats]
"""By position in a block: what an image means to the network, in levels of 0..255, (H, W, 3)."""


@dataclass(frozen=True)
class Block:
    """Images of a block in every way, and why some are missing."""

    images: dict[str, Levels]
    failures: dict[str, dict[int, str]]


def block_of(
    samples: Sequence[Sample],
    ways: Mapping[str, Way],
    network: Numbers,
    *,
    dataset: Dataset,
    pool: Executor,
) -> Block:
    """Make every image of a block in every way; each file is decoded once for all ways of ours."""
    readers = {label: way for label, way in ways.items() if isinstance(way, Reader)}
    everywhere = set(range(len(samples)))
    frames = prepare(
        samples,
        {Product("frame", r.pipeline): everywhere for r in readers.values()},
        {},
        dataset=dataset,
        sizes={},
        seed=0,
        pool=pool,
        workers=cores(),
        counters=Counters(),
    )
    images: dict[str, Levels] = {label: {} for label in ways}
    failures: dict[str, dict[int, str]] = {label: {} for label in ways}
    for label, reader in readers.items():
        product = Product("frame", reader.pipeline)
        failures[label] = dict(frames.failures.get(product, {}))
        for i in range(len(samples)):
            if i not in failures[label]:
                images[label][i] = network.levels(frames.get(product, i), reader.numbers)
    for label, way in ways.items():
        if isinstance(way, Itself):
            for i, sample in enumerate(samples):
                found = _itself(way, sample, dataset, network)
                (failures if isinstance(found, str) else images)[label][i] = found  # type: ignore[assignment]
    return Block(images, failures)


def _itself(way: Itself, sample: Sample, dataset: Dataset, network: Numbers) -> Floats | str:
    try:
        data = dataset.read(sample)
    except SampleError as error:
        return str(error)
    try:
        with quietly():
            array = to_array(way.subject.give(sample.id, data))
    except (Exception, SystemExit) as error:  # user code raises whatever it likes
        return f"{quoted(sample.id)}: {last_words(error)}"
    picture = way.layout.picture(array)
    if picture is None:
        return f"{quoted(sample.id)}: returned an array of shape {array.shape}, not {way.layout}"
    if not np.isfinite(picture).all():
        return f"{quoted(sample.id)}: returned NaN or infinite values"
    return network.meant(picture)
