"""What there is, for ``ls`` and ``show``: names, one line on each, and everything on one."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.registry import Definition, Registry

if TYPE_CHECKING:
    from roadworthy.metrics.base import MetricDefinition
    from roadworthy.metrics.suite import SuiteMetricDefinition


def _registries() -> dict[str, Registry[Any]]:
    from roadworthy.data.registry import DATA
    from roadworthy.models.base import MODELS
    from roadworthy.stress import STRESSES

    return {"models": MODELS, "data": DATA, "stresses": STRESSES}


def _summaries(kind: str) -> dict[str, str]:
    if kind == "suites":
        from roadworthy.suites import suites

        return {name: suite.summary for name, suite in suites().items()}
    if kind == "metrics":
        return {
            name: f"[{metric.unit}, {metric.direction}] {metric.doc.partition(chr(10))[0]}"
            for name, metric in _metrics().items()
        }
    registry = _registries()[kind]
    return {name: registry.summary(name) for name in registry}


def _metrics() -> Mapping[str, MetricDefinition | SuiteMetricDefinition]:
    """Return metrics by name; a name that both a cell and a suite have is that of the cell."""
    from roadworthy.metrics.catalogue import METRICS
    from roadworthy.metrics.suite import named_suite_metrics

    return {**named_suite_metrics(), **METRICS}


def listing(kind: str, pattern: str = "*") -> dict[str, str]:
    """Return the names of a kind that match ``pattern``, each with its one line."""
    found = sorted(_summaries(kind).items())
    if not any(mark in pattern for mark in "*?["):
        pattern = f"*{pattern}*"
    return {name: line for name, line in found if fnmatchcase(name.lower(), pattern.lower())}


def description(name: str) -> dict[str, Any]:
    """Return everything about one item; raises UsageError with the nearest name if there is none."""
    for kind, registry in _registries().items():
        if name in registry:
            return {"kind": kind, **_definition(registry.get(name))}
    from roadworthy.suites import suites

    if name in _metrics():
        metric = _metrics()[name]
        facts = {"unit": metric.unit, "direction": metric.direction}
        return {"kind": "metrics", **_definition(metric), **facts}
    if name in suites():
        suite = suites()[name]
        return {
            "kind": "suites",
            "name": name,
            "doc": suite.summary,
            "version": suite.version,
            "stresses": list(suite.stresses),
        }
    known = [
        n for kind in ("models", "data", "stresses", "suites", "metrics") for n in listing(kind)
    ]
    raise UsageError(f"nothing is called '{name}'{did_you_mean(name, known)}")


def _definition(item: Definition) -> dict[str, Any]:
    about: dict[str, Any] = {
        "name": item.name,
        "doc": item.doc,
        "version": item.version,
        "paper": item.paper,
        "parameters": [
            {
                "name": p.name,
                "type": _type(p.type),
                "default": "required" if p.required else str(p.default),
            }
            for p in item.parameters
        ],
    }
    tap = getattr(item, "tap", None)
    if tap is not None:
        about["tap"] = tap.name
        about["needs"] = sorted(need.value for need in item.needs)  # type: ignore[attr-defined]
    levels = getattr(item, "levels", None)
    if levels is not None:
        about["levels"] = {
            str(table): [list(v) if isinstance(v, tuple) else v for v in values]
            for table, values in levels.tables.items()
        }
    return about


def _type(annotation: Any) -> str:
    if isinstance(annotation, type):
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("fractions.", "")


def described(about: dict[str, Any]) -> str:
    """Return a description as text for people."""
    lines = [f"{about['name']}  ({about['kind']}, definition version {about['version']})", ""]
    lines += [about["doc"], ""]
    if about.get("tap"):
        needs = f", needs {', '.join(about['needs'])}" if about["needs"] else ""
        lines.append(f"tap: {about['tap']}{needs}")
    for parameter in about.get("parameters", []):
        lines.append(f"  {parameter['name']}: {parameter['type']} = {parameter['default']}")
    for table, values in about.get("levels", {}).items():
        lines.append(f"  severity 1 to 5 on {table}: {', '.join(str(v) for v in values)}")
    for stress in about.get("stresses", []):
        lines.append(f"  {stress}")
    for key in ("unit", "direction", "paper"):
        if about.get(key):
            lines.append(f"{key}: {about[key]}")
    return "\n".join(lines)
