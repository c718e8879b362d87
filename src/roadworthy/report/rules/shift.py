"""Other data than those that everything is compared on."""

from __future__ import annotations

from roadworthy.report.parts import is_whole, part_of
from roadworthy.report.rules._losses import difference
from roadworthy.report.rules.base import LEAST, Judged, as_points, level_of, percent, rule
from roadworthy.report.sentence import Sentence

ADVICE = (
    "Images taken elsewhere or later are not those of the test set. Collect some of where the model "
    "will work, and judge it on these."
)


@rule
def shift(judged: Judged) -> Sentence | None:
    """Speak where the model is surely worse by more than two points on other data, unstressed."""
    if judged.clean is None:
        return None
    own = judged.clean.readings["top1"]
    found = [
        (difference(own, cell.readings["top1"]), cell)
        for cell in judged.every
        if cell.axis == "clean" and cell.data != judged.data and cell.value("top1") is not None
        if part_of(cell.data) is None and not is_whole(cell.data)
    ]
    sure = [(lost, cell) for lost, cell in found if (lost.low or 0.0) > LEAST]
    if not sure:
        return None
    lost, cell = max(sure, key=lambda one: (one[0].value or 0.0, one[1].data))
    said = (
        f"On {cell.data} it is {as_points(lost)} worse: {percent(cell.readings['top1'])} instead of "
        f"{own.text} %."
    )
    return Sentence(said, ADVICE, lost.value or 0.0, level_of(lost.low or 0.0))
