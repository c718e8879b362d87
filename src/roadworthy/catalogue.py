"""What there is, for ``ls`` and ``show``: names, one line on each, and everything on one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.registry import Definition, Registry
from roadworthy.registry import Parameter as RegisteredParameter
from roadworthy.spec import format_value

if TYPE_CHECKING:
    from roadworthy.suites.base import Suite

FRAMES = {
    "224": "frames of 224 pixels (lengths grow with the frame from 144 on)",
    "299": "frames of exactly 299 pixels",
    "64": "frames of 64 pixels (lengths grow with the frame from 48 to 143)",
    "32": "smaller frames (CIFAR)",
}
FACTS = ("unit", "direction", "frame", "store", "baseline", "without_baseline", "headline", "paper")


STAGES = (
    *("decoders", "resizers", "geometries", "colours", "orients", "profiles"),
    *("cmyks", "depths", "alphas", "yuvs", "lights"),
)
KINDS = (
    "models",
    "data",
    "stresses",
    "parts",
    "masks",
    "suites",
    "metrics",
    "stores",
    "baselines",
    "pipelines",
    *STAGES,
)


def _registries() -> dict[str, Registry[Any]]:
    from roadworthy.data.registry import DATA
    from roadworthy.models.base import MODELS
    from roadworthy.preflight.base import PROVIDERS
    from roadworthy.stores import STORES
    from roadworthy.stress import STRESSES
    from roadworthy.stress.masks import MASKS
    from roadworthy.stress.parts import PARTS

    return {
        "stresses": STRESSES,
        "parts": PARTS,
        "masks": MASKS,
        "models": MODELS,
        "data": DATA,
        "stores": STORES,
        "pipelines": PROVIDERS,
    }


def _summaries(kind: str) -> dict[str, str]:
    if kind == "suites":
        from roadworthy.suites import suites

        return {name: suite.summary for name, suite in suites().items()}
    if kind == "baselines":
        from roadworthy.baselines import baselines

        return {name: f"published errors, {path.name}" for name, path in baselines().items()}
    if kind == "metrics":
        from roadworthy.metrics.every import every_metric

        return {
            name: f"[{metric.unit}, {metric.direction}] {metric.doc.partition(chr(10))[0]}"
            for name, metric in every_metric().items()
        }
    if kind in STAGES:
        from roadworthy.pipeline.listing import stages

        return stages(kind)
    registry = _registries()[kind]
    if kind == "models":
        return {**{name: registry.summary(name) for name in registry}, **_lists()}
    return {name: registry.summary(name) for name in registry}


def _lists() -> dict[str, str]:
    from roadworthy.models.lists import lists

    return {f"@{name}": f"{one.summary} ({one.paper})" for name, one in lists().items()}


def listing(kind: str, pattern: str = "*") -> dict[str, str]:
    """Return the names of a kind that match ``pattern``, each with its one line."""
    found = sorted(_summaries(kind).items())
    if not any(mark in pattern for mark in "*?["):
        pattern = f"*{pattern}*"
    return {name: line for name, line in found if fnmatchcase(name.lower(), pattern.lower())}


def description(name: str) -> dict[str, Any]:
    """Return everything about one item; raises UsageError with the nearest name if there is none.

    A suite and a reader of stored sets may have one name: the suite is described, with the reader.
    """
    from roadworthy.metrics.every import every_metric
    from roadworthy.suites import suites

    if name.startswith("@") and name in _lists():
        from roadworthy.models.lists.described import about_list

        return about_list(name.removeprefix("@"))
    found = [
        {"kind": kind, **_definition(registry.get(name))}
        for kind, registry in _registries().items()
        if name in registry
    ]
    if name in suites():
        found.insert(0, _suite(suites()[name]))
    if name in every_metric():
        metric = every_metric()[name]
        facts = {"unit": metric.unit, "direction": metric.direction}
        found.append({"kind": "metrics", **_definition(metric), **facts})
    if name in _summaries("baselines"):
        found.append(_baseline(name))
    found += _stages(name)
    if not found:
        known = [n for kind in KINDS for n in listing(kind)]
        raise UsageError(f"nothing is called '{name}'{did_you_mean(name, known)}")
    return {**found[0], "also": found[1:]}


def _suite(suite: Suite) -> dict[str, Any]:
    from roadworthy.suites.bound import parameters_of_suite

    facts = ("frame", "store", "baseline", "without_baseline", "headline", "paper")
    return {
        "kind": "suites",
        "name": suite.name,
        "doc": suite.summary if suite.definition is None else suite.definition.doc,
        "version": suite.version,
        "parameters": _parameters(parameters_of_suite(suite)),
        **{name: getattr(suite, name) for name in facts},
        "stresses": [
            *suite.stresses,
            *(f"{name}: {one}" for name, b in suite.budgets.items() for one in b.stresses),
            *(f"{name}: {one}" for name, own in _factors(suite).items() for one in own),
        ],
    }


def _stages(name: str) -> list[dict[str, Any]]:
    from roadworthy.pipeline.listing import found, stages

    return [
        {
            "kind": kind,
            **_definition(stage),
            "name": name,
            "doc": f"{stages(kind)[name]}\n\n{stage.doc}",
        }
        for kind, stage in found(name)
    ]


def _factors(suite: Suite) -> Mapping[str, Iterable[str]]:
    """Return the members of a suite by what they change, with its parameters left at their defaults."""
    found: Mapping[str, Iterable[str]] = {}
    if suite.definition is not None:
        found = suite.definition.function(
            **{p.name: p.default for p in suite.definition.parameters}
        ).factors
    return found


def _baseline(name: str) -> dict[str, Any]:
    from roadworthy.baselines import baselines

    text = baselines()[name].read_text(encoding="utf-8")
    return {"kind": "baselines", "name": name, "version": 1, "doc": text.strip()}


def _definition(item: Definition) -> dict[str, Any]:
    about: dict[str, Any] = {
        "name": item.name,
        "doc": item.doc,
        "version": item.version,
        "paper": item.paper,
        "parameters": _parameters(item.parameters),
    }
    tap = getattr(item, "tap", None)
    if tap is not None:
        about["tap"] = tap.name
        needs = item.needs  # type: ignore[attr-defined]
        if ranking := getattr(item, "ranking", None):  # as much as is asked unless told otherwise
            needs |= ranking.needs({p.name: p.default for p in item.parameters})
        about["needs"] = sorted(need.value for need in needs)
    levels = getattr(item, "levels", None)
    if levels is not None:
        about["strengths"] = list(levels.names)
        about["levels"] = {
            str(table): [list(v) if isinstance(v, tuple) else v for v in values]
            for table, values in levels.tables.items()
        }
    tables = getattr(item, "tables", None)
    if tables is not None:
        about["published"] = {str(table): dict(values) for table, values in tables.values.items()}
    return about


def _parameters(parameters: Iterable[RegisteredParameter]) -> list[dict[str, str]]:
    from roadworthy._binding.describe import expectation

    return [
        {
            "name": p.name,
            "type": expectation(p.type),
            "default": "required" if p.required else _written(p),
        }
        for p in parameters
    ]


def _written(parameter: RegisteredParameter) -> str:
    """Return a default as one would write it in a spec."""
    from roadworthy._binding.canonical import written

    try:
        return format_value(written(parameter.default, parameter.type))
    except UsageError:
        return str(parameter.default)


def described(about: dict[str, Any]) -> str:
    """Return a description as text for people."""
    lines = [f"{about['name']}  ({about['kind']}, definition version {about['version']})", ""]
    lines += [about["doc"], ""]
    if about.get("tap"):
        needs = f", needs {', '.join(about['needs'])}" if about["needs"] else ""
        lines.append(f"tap: {about['tap']}{needs}")
    for parameter in about.get("parameters", []):
        default = parameter["default"]
        said = "required" if default == "required" else f"{default} unless given"
        lines.append(f"  {parameter['name']}: {parameter['type']}; {said}")
    if about.get("strengths"):
        lines.append(f"  severities are published strengths of {', '.join(about['strengths'])}:")
    for table, values in about.get("levels", {}).items():
        lines.append(f"  severity 1 to 5 on {FRAMES[table]}: {', '.join(str(v) for v in values)}")
    for table, settings in about.get("published", {}).items():
        given = ", ".join(f"{name} {value}" for name, value in settings.items())
        lines.append(f"  published on {FRAMES[table]}: {given}")
    for entry in (*about.get("stresses", []), *about.get("lines", [])):
        lines.append(f"  {entry}")
    for key in FACTS:
        if about.get(key):
            lines.append(f"{key.replace('_', ' ')}: {about[key]}")
    lines += ["", described(another)] if (another := _first(about)) else []
    return "\n".join(lines)


def _first(about: Mapping[str, Any]) -> dict[str, Any] | None:
    others = about.get("also") or []
    return {**others[0], "also": others[1:]} if others else None
