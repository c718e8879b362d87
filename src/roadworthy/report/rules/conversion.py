"""A network that computes otherwise than the trained one, as converters leave it."""

from __future__ import annotations

from roadworthy.report.rules._changed import changed
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

CONVERTED = ("ceil_mode", "padding", "batch_norm_eps", "gelu", "normalisation")
ADVICE = (
    "Compare the converted network with the trained one on the same images before it is deployed "
    "(roadworthy check --against), and carry its constants over."
)


@rule
def conversion(judged: Judged) -> Sentence | None:
    """Speak where a network computed otherwise surely changes more than two percent."""
    return changed(judged, "How the network is converted matters", CONVERTED, ADVICE)
