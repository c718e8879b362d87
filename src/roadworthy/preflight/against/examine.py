"""Two artefacts of one model: same tensors to logits, same files to tensors, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from roadworthy.data.labels import Relation, relate
from roadworthy.data.order import order
from roadworthy.data.registry import open_data
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.evaluation import use_cores
from roadworthy.models.load import load
from roadworthy.preflight.against.classes import check_classes, check_order
from roadworthy.preflight.against.drawn import drawn_pictures
from roadworthy.preflight.against.judged import Outcome, judge_both
from roadworthy.preflight.against.report import Artefacts
from roadworthy.preflight.against.sides import Pair, artefact, drawn_input, paired
from roadworthy.preflight.against.steady import check_steady
from roadworthy.preflight.bill import Difference, Side, differing
from roadworthy.preflight.compare import compare
from roadworthy.preflight.examine import COMPARED, card_of, pictures_of, side_of
from roadworthy.preflight.factors import Reader
from roadworthy.preflight.gate import gate
from roadworthy.preflight.manifest import manifest
from roadworthy.preflight.prices import Prices
from roadworthy.preflight.suggest import suggestions
from roadworthy.preflight.tensors import PLAIN, Numbers, numbers_of
from roadworthy.preflight.ways import Way
from roadworthy.spec import Spec
from roadworthy.types import Classifier, Dataset


def examined(
    model: str | Spec | Classifier,
    other: str | Spec | Classifier,
    data: str | Spec | Dataset | None,
    *,
    training: Any,
    deployment: Any,
    labelled: bool,
    max_drop: float | None,
    limit: int,
    device: str,
) -> Artefacts:
    """Return how ``other`` differs from ``model``; `roadworthy.preflight.api.check` has the arguments.

    ``training`` and ``deployment`` are how the first and the second read files, by default as their
    cards say. Raises UsageError for artefacts that are not of one model, and for random ones.
    """
    use_cores()
    pair = _pair(model, other, device)
    sides = _sides(pair, training, deployment)
    network = pair.first.numbers or Numbers(*PLAIN)
    found = differing(sides[0], _as_meant(sides[1], pair), network)
    dataset = drawn_pictures() if data is None else _opened(data)
    samples = order(dataset.samples, seed=0)[:limit]
    if not samples:
        raise UsageError(f"'{dataset.spec}' has no images")
    relation, notes = _relation(dataset, pair) if labelled and data is not None else (None, ())
    outcome = judge_both(pair, _ways(pair, sides, found), samples, dataset, relation, device)
    _check(outcome, pair, dataset)
    rows = tuple(outcome.rows(labelled=relation is not None))
    prices = Prices(
        rows, outcome.logits.n, relation is not None, notes, rows[-1].name, outcome.refused
    )
    pictures = None if data is None else pictures_of(dataset, samples[:COMPARED])
    return _report(pair, found, outcome, prices, pictures, dataset, max_drop)


def _report(
    pair: Pair,
    found: Difference,
    outcome: Outcome,
    prices: Prices,
    pictures: dict[str, bytes] | None,
    dataset: Dataset,
    max_drop: float | None,
) -> Artefacts:
    comparison, advice = None, []
    if found.before is not None and found.after is not None:
        comparison = compare(found.before, found.after, pictures)
        library = found.after.pipeline.resize.partition("-")[0]
        # What changes none of the user's images is nothing to be done about.
        alike = pictures is not None and outcome.equal and not outcome.failures
        factors = () if alike else found.factors
        advice = suggestions(found.before, found.after, factors, library=library, pictures=pictures)
    return Artefacts(
        first=pair.first.name,
        second=pair.second.name,
        data=dataset.spec,
        notes=tuple(dict.fromkeys((*pair.first.notes, *pair.second.notes))),
        logits=outcome.logits.difference(),
        comparison=comparison,
        open_parts=found.notes,
        suggestions=tuple(advice),
        prices=prices,
        failures=tuple(outcome.failures),
        gate=None if max_drop is None else gate(prices.whole, max_drop, refused=prices.refused),
        manifest=manifest(),
    )


def _pair(model: Any, other: Any, device: str) -> Pair:
    loaded = [artefact(load(given, device=device)) for given in (model, other)]
    first, second = loaded
    if first.name == second.name and first.model.id != second.model.id:
        first, second = (replace(a, name=a.model.id) for a in loaded)
    names = first.name, second.name
    check_classes(first.model.classes, second.model.classes, names)
    pair = paired(first, second, text=other, device=device)
    x = drawn_input(first.model, device)
    for each in (pair.first, pair.second):
        check_steady(each.model, x, name=each.name)
    return pair


def _sides(pair: Pair, training: Any, deployment: Any) -> tuple[Side, Side]:
    first = card_of(pair.first.model, pair.first.numbers) if training is None else side_of(training)
    if deployment is not None:
        return first, side_of(deployment)
    return first, card_of(pair.second.model, pair.second.numbers)


def _as_meant(side: Side, pair: Pair) -> Side:
    """Return the second's pipeline in the numbers of the first, where these mean the same to the two."""
    mine, theirs, identity = pair.first.numbers, pair.second.numbers, side.identity
    if not pair.alike or mine is None or (identity.mean, identity.std) == (None, None):
        return side
    if theirs is None or Numbers(identity.mean, identity.std) != theirs:  # type: ignore[arg-type]
        return side
    return replace(side, identity=replace(identity, mean=mine.mean, std=mine.std))


def _ways(pair: Pair, sides: tuple[Side, Side], found: Difference) -> tuple[Way, Way]:
    """Return how each artefact gets its images: by the thing itself where it can be called."""
    ways: list[Way] = []
    for each, side, reader in (
        (pair.first, sides[0], found.before),
        (pair.second, sides[1], found.after),
    ):
        way: Way | None = side.itself
        if way is None and reader is not None:
            own = numbers_of(side.identity, each.numbers) or each.numbers or reader.numbers
            way = Reader(reader.pipeline, own)
        if way is None:
            raise RoadworthyError(
                f"how '{each.name}' reads files, {side.subject.spec}, is not known well enough to be "
                "rendered, and cannot be called"
            )
        ways.append(way)
    return ways[0], ways[1]


def _opened(data: str | Spec | Dataset) -> Dataset:
    return open_data(data) if isinstance(data, str | Spec) else data


def _relation(dataset: Dataset, pair: Pair) -> tuple[Relation | None, tuple[str, ...]]:
    try:
        return relate(dataset, pair.first.model.classes, model_name=pair.first.name), ()
    except UsageError as error:
        return None, (f"priced without labels: {error}",)


def _check(outcome: Outcome, pair: Pair, dataset: Dataset) -> None:
    if not outcome.logits.n:
        raise UsageError(f"no image of '{dataset.spec}' can be read: {outcome.failures[0]}")
    if outcome.logits.broken == outcome.logits.n:
        broken = zip((pair.first, pair.second), outcome.logits.broken_in, strict=True)
        counts = ", ".join(f"'{each.name}' for {count}" for each, count in broken)
        raise RoadworthyError(
            f"of {outcome.logits.n} images not one is answered by both with finite values; NaN or "
            f"infinite ones come of {counts}: nothing can be compared"
        )
    first, second = (np.concatenate(kept) for kept in zip(*outcome.logits.kept, strict=True))
    check_order(first, second, (pair.first.name, pair.second.name))
