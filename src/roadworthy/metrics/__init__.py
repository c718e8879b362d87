"""Metrics: pure functions of records, one file per family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadworthy.metrics.base import Estimate, MetricDefinition, metric
    from roadworthy.metrics.catalogue import METRICS, evaluate_all

__all__ = ["METRICS", "Estimate", "MetricDefinition", "evaluate_all", "metric"]


def __getattr__(name: str) -> Any:
    # polars takes 0.2 s to import, which `roadworthy --help` must not pay
    from importlib import import_module

    home = {"METRICS": "catalogue", "evaluate_all": "catalogue"}
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home.get(name, 'base')}"), name)
