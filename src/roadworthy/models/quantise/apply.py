"""Quantisation of a classifier: a torch network, or one that is made of such."""

from __future__ import annotations

from roadworthy.models.networks import changed, networks
from roadworthy.models.quantise.network import check_quantisable, quantised
from roadworthy.models.quantise.settings import Quantisation
from roadworthy.types import Classifier, Dataset


def quantise(model: Classifier, how: Quantisation, *, data: Dataset | None = None) -> Classifier:
    """Return ``model`` quantised, every member if it is made of others.

    Activations are calibrated on images of ``data``, or on pictures that the package draws. Raises
    InapplicableError where there is nothing to quantise, and what `quantised` raises.
    """
    check(model, how, calibrated=data is not None)
    return changed(
        model, lambda one: quantised(one, how, data=data), f"quantized, {how.name} bits,"
    )


def check(model: Classifier, how: Quantisation, *, calibrated: bool = False) -> None:
    """Raise InapplicableError where ``model`` is no torch network or cannot be quantised.

    ``calibrated`` says that there are images to calibrate on.
    """
    for network in networks(model):
        check_quantisable(network, how, calibrated=calibrated)
