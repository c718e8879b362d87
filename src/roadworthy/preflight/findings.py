"""What was found out about a pipeline as findings: verdicts, sentences and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.models.check.report import Finding, Verdict
from roadworthy.preflight.component import Component
from roadworthy.preflight.identity import Identity

NARROW, WIDE = 0.1, 300.0
"""Widths of the range from black to white beyond which it is a mistake."""

RED_FIRST = ("imagenet", "clip", "cifar10")
"""Normalisations whose means are those of red, green and blue, in this order."""

REMEDIES = {
    "exchanged": "look at the order of axes: transpose(2, 0, 1) makes (3, H, W) of (H, W, 3)",
    "failures": "make it take these files too, or leave such files out before it",
    "dump": "save NAME.npy of these too, from the same run of the device; what the device itself refuses "
    "stays refused",
    "range": "look for a division by zero, such as the spread of a flat picture",
    "repeat": "leave random augmentation out of what is deployed; a preflight needs the same answer twice",
    "layout": "return one picture of three channels, (3, H, W) or (H, W, 3), alone or as a batch of one",
}


def findings_of(identity: Identity) -> Iterator[Finding]:
    """Yield what is wrong with the answers, then a finding on each part; unknown ones are warnings."""
    for name, sentence in identity.faults:
        # A file that is refused is a policy; one that is random or not finite is a fault.
        refused = name in ("failures", "dump") and _answers(identity)
        verdict: Verdict = "warning" if refused else "failed"
        yield Finding(name, verdict, sentence, REMEDIES[name])
    if identity.std is not None:
        yield from _range(1 / min(identity.std))
    for component in identity.components:
        yield _swapped(identity, component) or _finding(component)


def _range(span: float) -> Iterator[Finding]:
    """Warn of numbers that no network is trained on, from black to white ``span`` wide."""
    if span < NARROW:
        sentence = f"from black to white the numbers change by {span:.2g} only"
        yield Finding("range", "warning", sentence, "divide by 255 once, not twice")
    elif span > WIDE:
        sentence = f"from black to white the numbers change by {span:.4g}"
        yield Finding("range", "warning", sentence, "divide by 255 before the mean is taken off")


def _swapped(identity: Identity, component: Component) -> Finding | None:
    """Warn of blue first where the means are in the order of red first: one of both is a mistake."""
    if component.part != "colour" or component.name != "bgr" or identity.mean is None:
        return None
    if identity["normalisation"].name not in RED_FIRST:
        return None
    sentence = "bgr: blue comes first, but the mean that is taken off it is that of red"
    return Finding("colour", "warning", sentence, "turn the channels round: image[:, :, ::-1]")


def _answers(identity: Identity) -> bool:
    return identity["layout"].known


def _finding(component: Component) -> Finding:
    if component.evidence.endswith("exchanged"):  # known well enough to be a mistake
        return Finding(component.part, "failed", component.evidence, REMEDIES["exchanged"])
    if not component.known:
        failed = component.part == "layout"
        remedy = REMEDIES.get(component.part, "") if failed else ""
        return Finding(
            component.part,
            "failed" if failed else "warning",
            f"unknown: {component.evidence}",
            remedy,
        )
    same = f" (so does {', '.join(component.same)})" if component.same else ""
    return Finding(component.part, "ok", f"{component.name}: {component.evidence}{same}")
