"""Attacks with a budget: who may change every pixel by so much."""

from __future__ import annotations

from roadworthy.report.cells import Cell
from roadworthy.report.names import WORST_CASE
from roadworthy.report.points import eps_of, norm_of
from roadworthy.report.rules._losses import Loss, losses
from roadworthy.report.rules.base import LEAST, Judged, as_points, level_of, percent, rule
from roadworthy.report.scores import briefly
from roadworthy.report.sentence import Sentence

ADVICE = (
    "If anyone may tamper with the input, train adversarially and judge again with the same attacks; "
    "blurring or compressing the input does not stop whoever knows of it. If nobody can, read this as "
    "a bound and look at the other lines first."
)

SEEN = 16.0
"""Levels of 255 above which anybody sees a change: that those suffice is no news."""


@rule
def adversarial(judged: Judged) -> Sentence | None:
    """Speak where attacks with a budget surely cost more than two points."""

    def wanted(cell: Cell) -> bool:
        tried = "robust_top1" in cell.readings or "worst_case_top1" in cell.readings
        return cell.axis == "adversarial" and tried

    found = losses(judged, wanted)
    if not found or found[0].sure <= LEAST or judged.clean is None:
        return None
    worst = found[0]
    text = (
        f"Attacks take {as_points(worst.points)} of accuracy: {percent(worst.left)} stay right under "
        f"{_called(worst)}"
    )
    return Sentence(
        f"{text}{_half(judged, found)}.", ADVICE, worst.points.value or 0.0, level_of(worst.sure)
    )


def _called(loss: Loss) -> str:
    several = loss.cell.label.startswith(WORST_CASE)
    return f"the {briefly(loss.cell.label)}" if several else loss.label


def _half(judged: Judged, found: list[Loss]) -> str:
    """Return the smallest budget under which half of what was right is surely lost."""
    clean = judged.clean.value("top1") if judged.clean is not None else None
    budgets = [
        (eps, loss)
        for loss in found
        if norm_of(loss.cell) == "Linf"
        and (eps := eps_of(loss.cell)) is not None
        and loss.left.high is not None
        and loss.left.high < (clean or 0.0) / 2
        and eps <= SEEN
    ]
    if not budgets:
        return ""
    eps = min(eps for eps, _ in budgets)
    return f"; changes of {eps:.3g}/255 per pixel are enough to lose half of what was right"
