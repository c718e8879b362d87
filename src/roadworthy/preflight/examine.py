"""The preflight of a deployment: identify both pipelines, compare them, price, suggest, decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roadworthy.data.labels import relate
from roadworthy.data.order import order
from roadworthy.data.registry import open_data
from roadworthy.errors import SampleError, UsageError
from roadworthy.evaluation import use_cores
from roadworthy.models.check import check as examine
from roadworthy.models.load import load
from roadworthy.preflight.bill import Difference, Side, bill, differing
from roadworthy.preflight.compare import Comparison, compare
from roadworthy.preflight.gate import gate
from roadworthy.preflight.identify import identity_of
from roadworthy.preflight.judge import Judge
from roadworthy.preflight.load import load_pipeline
from roadworthy.preflight.manifest import manifest
from roadworthy.preflight.prices import Prices
from roadworthy.preflight.providers.pipeline import subject_of_recipe
from roadworthy.preflight.report import Preflight
from roadworthy.preflight.suggest import suggestions
from roadworthy.preflight.tensors import PLAIN, Numbers, numbers_of, numbers_of_model
from roadworthy.spec import Spec
from roadworthy.types import Classifier, Dataset, Sample

COMPARED = 16
"""Pictures of the user's on which stages are compared."""


def examined(
    deployment: Any,
    *,
    training: Any,
    model: str | Spec | Classifier | None,
    data: str | Spec | Dataset | None,
    labelled: bool,
    max_drop: float | None,
    limit: int,
    device: str,
) -> Preflight:
    """Return the preflight of ``deployment``; `roadworthy.preflight.api.check` has the arguments."""
    deployed = side_of(deployment)
    if model is None and training is None:
        return Preflight(deployed.identity, manifest())
    classifier = None if model is None else load(model, device=device)
    trained = _of_card(classifier) if training is None else side_of(training)
    network = _network(classifier, trained)
    found = differing(trained, deployed, network)
    if classifier is None or data is None:
        return _compared(deployed, trained, found, None)
    dataset = open_data(data) if isinstance(data, str | Spec) else data
    use_cores()
    report = examine(classifier, dataset, limit=limit, device=device) if labelled else None
    samples = order(dataset.samples, seed=0)[:limit]
    judge, notes = _judge(classifier, dataset, network, device, labelled=labelled)
    prices = bill(judge, samples, found, trained, deployed)
    prices = prices.noting(notes)
    decided = None if max_drop is None else gate(prices.whole, max_drop, refused=prices.refused)
    pictures = pictures_of(dataset, samples[:COMPARED])
    return _compared(deployed, trained, found, pictures, model=report, prices=prices, gate=decided)


def side_of(given: Any) -> Side:
    """Return the pipeline that is given, identified."""
    subject = load_pipeline(given)
    return Side(subject, identity_of(subject))


def _of_card(classifier: Classifier | None) -> Side:
    assert classifier is not None
    return card_of(classifier, numbers_of_model(classifier))


def card_of(classifier: Classifier, numbers: Numbers | None) -> Side:
    """Return how the card of a model says that images are read, and that its network normalises."""
    subject = subject_of_recipe(
        classifier.pipeline,
        mean=numbers.mean if numbers else None,
        std=numbers.std if numbers else None,
        spec=f"the card of {getattr(classifier, 'spec', classifier.id)}",
    )
    return Side(subject, identity_of(subject))


def _network(classifier: Classifier | None, training: Side) -> Numbers:
    """Return how the network normalises; a model that does not say is taken to do as training did."""
    own = None if classifier is None else numbers_of_model(classifier)
    return own or numbers_of(training.identity, None) or Numbers(*PLAIN)


def _judge(
    classifier: Classifier, dataset: Dataset, network: Numbers, device: str, *, labelled: bool
) -> tuple[Judge, tuple[str, ...]]:
    name = str(getattr(classifier, "spec", classifier.id))
    notes: tuple[str, ...] = ()
    if not labelled:
        return Judge(classifier, name, network, dataset, None, device), notes
    try:
        relation = relate(dataset, classifier.classes, model_name=name)
    except UsageError as error:
        relation, notes = None, (f"priced without labels: {error}",)
    return Judge(classifier, name, network, dataset, relation, device), notes


def pictures_of(dataset: Dataset, samples: Sequence[Sample]) -> dict[str, bytes]:
    """Return the files of samples by name; those that cannot be read are left out."""
    found = {}
    for sample in samples:
        try:
            found[sample.id] = dataset.read(sample)
        except SampleError:  # it is among the failures of the bill
            continue
    return found


def _compared(
    deployed: Side,
    trained: Side,
    found: Difference,
    pictures: dict[str, bytes] | None,
    prices: Prices | None = None,
    **more: Any,
) -> Preflight:
    comparison: Comparison | None = None
    advice = []
    if found.before is not None and found.after is not None:
        comparison = compare(found.before, found.after, pictures)
        library = deployed.identity.library
        # What changes no image at hand is told, but is nothing to be done about.
        costly = [f for f in found.factors if prices is None or prices.touches(f.name)]
        advice = suggestions(found.before, found.after, costly, library=library, pictures=pictures)
    return Preflight(
        deployed.identity,
        manifest(),
        training=trained.identity,
        comparison=comparison,
        suggestions=tuple(advice),
        open_parts=found.notes,
        prices=prices,
        **more,
    )
