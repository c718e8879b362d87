"""A stored benchmark as the data sets it consists of, so that no image counts twice in one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from roadworthy.data.base import Images
from roadworthy.spec import Spec, parse
from roadworthy.types import Dataset, Sample

_COLUMNS = {
    "corruption": "corruptions",
    "severity": "severities",
    "perturbation": "perturbations",
    "decoder": "decoder",
    "resize": "resize",
}


def parts_of(dataset: Dataset) -> list[Dataset]:
    """Return a data set for each corruption and severity of a stored set, others as they are.

    The same image has the same id in every part, so that a limited run takes the same images of
    each. The specs are those that open the parts alone.
    """
    if not isinstance(dataset, Images) or dataset.frame == "own":
        return [dataset]
    groups: dict[tuple[tuple[str, Any], ...], list[Sample]] = {}
    for sample in dataset.samples:
        columns = sample.columns
        key = tuple((_COLUMNS[name], columns[name]) for name in _COLUMNS if name in columns)
        groups.setdefault(key, []).append(replace(sample, id=columns["image"]))
    return [_part(dataset, key, samples) for key, samples in groups.items()]


def _part(dataset: Images, key: Sequence[tuple[str, Any]], samples: Sequence[Sample]) -> Images:
    whole = parse(dataset.spec)
    params = (*key, *((name, value) for name, value in whole.params if name not in dict(key)))
    part = Spec(whole.name, (), params, whole.path)
    return replace(dataset, spec=str(part), samples=tuple(samples))
