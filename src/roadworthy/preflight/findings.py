"""What was found out about a pipeline as findings: verdicts, sentences and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.models.check.report import Finding
from roadworthy.preflight.component import Component
from roadworthy.preflight.identity import Identity

RED_FIRST = ("imagenet", "clip", "cifar10")
"""Normalisations whose means are those of red, green and blue, in this order."""

REMEDIES = {
    "failures": "make it take these files too, or leave such files out before it",
    "range": "look for a division by zero, such as the spread of a flat picture",
    "repeat": "leave random augmentation out of what is deployed; a preflight needs the same answer twice",
    "layout": "return one picture of three channels, (3, H, W) or (H, W, 3), alone or as a batch of one",
}


def findings_of(identity: Identity) -> Iterator[Finding]:
    """Yield what is wrong with the answers, then a finding on each part; unknown ones are warnings."""
    for name, sentence in identity.faults:
        # A file that is refused is a policy; one that is random or not finite is a fault.
        verdict = "warning" if name == "failures" and _answers(identity) else "failed"
        yield Finding(name, verdict, sentence, REMEDIES[name])  # type: ignore[arg-type]
    for component in identity.components:
        yield _swapped(identity, component) or _finding(component)


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
