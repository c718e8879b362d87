"""Metrics: pure functions of records, one file per family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadworthy.metrics.base import Estimate, MetricDefinition, metric
    from roadworthy.metrics.catalogue import METRICS, evaluate_all
    from roadworthy.metrics.certified import certified_curve
    from roadworthy.metrics.robustness import CurvePoint, robustness_curve
    from roadworthy.metrics.strength import strength_curve
    from roadworthy.metrics.subset_curves import confidence_curve, size_by_confidence

__all__ = [
    "METRICS",
    "CurvePoint",
    "Estimate",
    "MetricDefinition",
    "certified_curve",
    "confidence_curve",
    "evaluate_all",
    "metric",
    "robustness_curve",
    "size_by_confidence",
    "strength_curve",
]


def __getattr__(name: str) -> Any:
    # polars takes 0.2 s to import, which `roadworthy --help` must not pay
    from importlib import import_module

    home = {"METRICS": "catalogue", "evaluate_all": "catalogue"}
    home |= {"CurvePoint": "robustness", "robustness_curve": "robustness"}
    home |= {"strength_curve": "strength", "certified_curve": "certified"}
    home |= dict.fromkeys(("confidence_curve", "size_by_confidence"), "subset_curves")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home.get(name, 'base')}"), name)
