"""The preflight of images that nobody has labelled."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.data.order import order
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.evaluation import use_cores
from roadworthy.models.load import load
from roadworthy.preflight.judge import Judge
from roadworthy.preflight.manifest import manifest
from roadworthy.preflight.production.drift import Drift, drift
from roadworthy.preflight.production.flips import flips_of
from roadworthy.preflight.production.gathered import Gathered, gathered
from roadworthy.preflight.production.likeness import BASIS
from roadworthy.preflight.production.looks import looks
from roadworthy.preflight.production.opened import open_unlabelled
from roadworthy.preflight.production.report import Production
from roadworthy.preflight.tensors import PLAIN, Numbers, numbers_of_model
from roadworthy.spec import Spec
from roadworthy.types import Classifier, Dataset, Sample


def examined(
    model: str | Spec | Classifier,
    data: str | Spec | Dataset,
    *,
    reference: str | Spec | Dataset | None,
    limit: int,
    device: str,
) -> Production:
    """Return what the first ``limit`` images of ``data`` are like, beside those of ``reference``.

    Raises UsageError where there are no images, or not one can be read.
    """
    use_cores()
    dataset = open_unlabelled(data)
    beside = None if reference is None else open_unlabelled(reference)
    classifier = load(model, device=device)
    judge = _judge(classifier, dataset, device)
    samples = _first(dataset, limit)
    here = gathered(judge, dataset, samples, keep=BASIS)
    if not here.confidence:
        raise RoadworthyError(
            f"'{judge.name}' answers every image of '{dataset.spec}' with NaN or infinite values: look "
            "at it with `roadworthy check -m MODEL -d DATA` first"
        )
    there = None
    if beside is not None:
        other = _judge(classifier, beside, device)
        there = gathered(other, beside, _first(beside, limit), keep=BASIS)
    return Production(
        model=judge.name,
        data=dataset.spec,
        reference=None if beside is None else beside.spec,
        asked=here.asked,
        looks=looks(here, there),
        drift=_drift(here, there),
        flips=flips_of(judge, samples),
        failures=tuple(here.failures),
        reference_failures=() if there is None else tuple(there.failures),
        shared=0 if there is None else len(here.contents & there.contents),
        notes=(*getattr(classifier, "notes", ()), *_broken(here, there)),
        manifest=manifest(),
    )


def _drift(here: Gathered, there: Gathered | None) -> Drift | None:
    if there is None or not here.confidence or not there.confidence:
        return None
    return drift(here.confidences, there.confidences)


def _broken(here: Gathered, there: Gathered | None) -> Iterator[str]:
    """Say how many answers are NaN or infinite, in which there is no confidence."""
    for what, found in (("images", here), ("images of the reference", there)):
        if found is not None and found.broken:
            total = found.broken + len(found.confidence)
            yield f"the model answers {found.broken} of {total} {what} with NaN or infinite values"


def _judge(classifier: Classifier, dataset: Dataset, device: str) -> Judge:
    numbers = numbers_of_model(classifier) or Numbers(*PLAIN)
    name = str(getattr(classifier, "spec", classifier.id))
    return Judge(classifier, name, numbers, dataset, None, device)


def _first(dataset: Dataset, limit: int) -> list[Sample]:
    samples = order(dataset.samples, seed=0)[:limit]
    if not samples:
        raise UsageError(f"'{dataset.spec}' has no images")
    return samples
