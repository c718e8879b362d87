"""How fast is it, and how long would the whole take? Never a reason to fail."""

from __future__ import annotations

from roadworthy.engine.cost import BACKWARD_COST
from roadworthy.models.check.evidence import Evidence
from roadworthy.models.check.report import Finding
from roadworthy.types import Need

STEPS = 40
WHOLE = 50_000
"""Images of the ImageNet validation set."""


def speed(evidence: Evidence) -> Finding:
    """Time reading and judging, and estimate ``clean`` and an attack of 40 steps on all the data."""
    size = min(len(evidence.outputs), evidence.options.forward_batch)
    read, forward = evidence.seconds_to_read, evidence.seconds_to_judge
    sentence = f"reads {_rate(read)} and judges {_rate(forward)} images/s in batches of {size}"
    estimates = []
    for count in dict.fromkeys((len(evidence.dataset.samples), WHOLE)):
        many = f"{count:,}".replace(",", " ")
        clean = f"{many} images take about {span(count * (read + forward))}"
        if Need.GRADIENT in evidence.model.gives:
            passes = STEPS * (1 + BACKWARD_COST) + 2
            clean += f", {span(count * (read + passes * forward))} under a {STEPS}-step attack"
        estimates.append(clean)
    return Finding("speed", "ok", "; ".join((sentence, *estimates)))


def _rate(seconds: float) -> str:
    rate = 1 / max(seconds, 1e-9)
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"


def span(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"
