"""Charts of subsets: confidence along the order, accuracy at fixed sizes, size over confidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from roadworthy.errors import UsageError
from roadworthy.report import marks
from roadworthy.report.figure import Figure
from roadworthy.report.points import point
from roadworthy.report.reading import Reading
from roadworthy.report.style import Point
from roadworthy.report.subsets.audits import Audit, stresses_of

if TYPE_CHECKING:
    from roadworthy.metrics.robustness import CurvePoint

LEFT = "pixels left, % of the image"


def charts(found: Sequence[Audit]) -> Iterator[Figure]:
    """Draw what can be drawn of audits; two need records."""
    yield from _confidence(found)
    yield from _accuracy(found)
    yield from _sizes(found)


def _confidence(found: Sequence[Audit]) -> Iterator[Figure]:
    from roadworthy.metrics.subset_curves import confidence_curve

    points: list[Point] = []
    orders: set[tuple[str, ...]] = set()  # thresholds share an order
    for one in found:
        known = one.own.select("sample", "removal_conf").drop_nulls()
        key = (one.model, one.data, repr(known.sort("sample").rows()))
        if known.is_empty() or key in orders:
            continue
        orders.add(key)
        points += _points(one.order, confidence_curve(one.rows.filter(variant=one.variant)))
    if points:
        caption = (
            "How sure the model is of what it sees in the whole image, while the pixels that it can "
            "best do without go. Mean over the images that have a subset, with 95 % intervals. Where it "
            "rises before it falls the model is surer of a part than of the whole."
        )
        chart = marks.budgets(points, x=LEFT, y="confidence, %", root=True)
        yield Figure("Confidence against what is left", caption, chart, stresses_of(found))


def _accuracy(found: Sequence[Audit]) -> Iterator[Figure]:
    points: list[Point] = []
    seen: set[tuple[object, ...]] = set()  # thresholds of a stress share them
    for one in found:
        for random, metric in ((False, "subset_top1"), (True, "random_subset_top1")):
            name = "random pixels" if random else "pixels that the model keeps longest"
            series = " · ".join(filter(None, (one.order, name)))
            for fraction, cell in sorted(one.fractions(random=random), key=lambda item: item[0]):
                reading = cell.readings.get(metric)
                key = (one.model, one.data, one.stress, cell.variant)
                if reading is None or reading.value is None or key in seen:
                    continue
                seen.add(key)
                label = f"{100 * fraction:g} % of the pixels"
                points.append(point(reading, label=label, series=series, x=100 * fraction))
    if points:
        caption = (
            "Percent of images whose label the model still says from a fixed share of the pixels, all "
            "others covered, over the images that it is sure enough of. The pixels were chosen by a "
            "model that saw all of them: compare with as many random pixels, several draws an image."
        )
        chart = marks.budgets(points, x=LEFT, y="top-1, %", root=True)
        yield Figure("Accuracy from a share of the pixels", caption, chart, stresses_of(found))


def _sizes(found: Sequence[Audit]) -> Iterator[Figure]:
    from roadworthy.metrics.subset_curves import size_by_confidence

    points: list[Point] = []
    for one in found:
        if len(one.own) < 2 or one.clean.is_empty():
            continue
        try:
            rows = one.rows.filter(variant=one.variant)
            curve = size_by_confidence(rows, one.clean)
        except UsageError:  # several frames, which have no one confidence
            continue
        points += _points(one.title, curve, [_part(i, len(curve)) for i in range(len(curve))])
    if points:
        caption = (
            "Median size of the subsets, for the images by how sure the model is of the whole of them: "
            "groups of about as many images each, the least sure first, with the mean confidence of "
            "each. Small subsets at high confidence are what the paper calls overinterpretation."
        )
        for one_point in points:
            one_point["text"] += f", at {one_point['x']:.4g} % confidence"
        chart = marks.dots(points, title="size of the subsets, % of the pixels", percent=False)
        yield Figure("Size of the subsets by confidence", caption, chart, stresses_of(found))


def _part(index: int, count: int) -> str:
    ends = {0: "least sure", count - 1: "most sure"}
    return ", ".join(filter(None, (f"{index + 1} of {count}", ends.get(index))))


def _points(
    title: str, curve: Sequence[CurvePoint], labels: Sequence[str] | None = None
) -> list[Point]:
    made = []
    for index, at in enumerate(curve):
        found = at.estimate
        if found.value is not None:
            reading = Reading(found.value, found.low, found.high, "percent", found.n)
            label = labels[index] if labels else f"at {at.at:.4g} %"
            made.append(point(reading, label=label, series=title, x=at.at))
    return made
