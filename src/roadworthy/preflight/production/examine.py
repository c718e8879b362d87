"""The preflight of images that nobody has labelled."""

from __future__ import annotations

from roadworthy.data.order import order
from roadworthy.errors import UsageError
from roadworthy.evaluation import use_cores
from roadworthy.models.load import load
from roadworthy.preflight.judge import Judge
from roadworthy.preflight.manifest import manifest
from roadworthy.preflight.production.drift import drift
from roadworthy.preflight.production.flips import flips_of
from roadworthy.preflight.production.gathered import gathered
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
        drift=None if there is None else drift(here.confidences, there.confidences),
        flips=flips_of(judge, samples),
        failures=tuple(here.failures),
        reference_failures=() if there is None else tuple(there.failures),
        shared=0 if there is None else len(here.contents & there.contents),
        notes=tuple(getattr(classifier, "notes", ())),
        manifest=manifest(),
    )


def _judge(classifier: Classifier, dataset: Dataset, device: str) -> Judge:
    numbers = numbers_of_model(classifier) or Numbers(*PLAIN)
    name = str(getattr(classifier, "spec", classifier.id))
    return Judge(classifier, name, numbers, dataset, None, device)


def _first(dataset: Dataset, limit: int) -> list[Sample]:
    samples = order(dataset.samples, seed=0)[:limit]
    if not samples:
        raise UsageError(f"'{dataset.spec}' has no images")
    return samples
