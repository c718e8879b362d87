"""Every metric by name, those of one stress and those of whole suites."""

from __future__ import annotations

from collections.abc import Mapping

from roadworthy.metrics.base import MetricDefinition
from roadworthy.metrics.catalogue import METRICS
from roadworthy.metrics.suite import SuiteMetricDefinition, named_suite_metrics


def every_metric() -> Mapping[str, MetricDefinition | SuiteMetricDefinition]:
    """Return metrics by name; a name that both a cell and a suite have is that of the cell."""
    return {**named_suite_metrics(), **METRICS}
