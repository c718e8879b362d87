"""A model and itself with fewer bits, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from roadworthy.models.modified import modified
from roadworthy.models.networks import networks
from roadworthy.models.quantise.apply import quantise
from roadworthy.models.quantise.settings import Quantisation
from roadworthy.types import Classifier


def with_bits(model: Classifier, how: Sequence[Quantisation]) -> list[tuple[str, Classifier]]:
    """Return ``model`` quantised in several ways, as ``quantized`` makes it, each with what to call it.

    None for a model that is quantised already. Raises InapplicableError where there is nothing to
    quantise.
    """
    if all(network.quantisation is not None for network in networks(model)):
        return []
    text = getattr(model, "spec", "") or model.id
    return [
        (
            f"{one.name} bits",
            replace(
                modified(quantise(model, one), f"quantized/{one.name}"),
                spec=f"quantized({', '.join([text, *one.given()])})",
            ),
        )
        for one in how
    ]
