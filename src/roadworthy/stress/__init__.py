"""Stresses: one file each, found by name; a stress turns a batch into variants at a declared tap."""

from __future__ import annotations

from roadworthy.registry import Registry
from roadworthy.stress.base import StressDefinition

STRESSES: Registry[StressDefinition] = Registry(
    "stress",
    StressDefinition,
    tuple(
        f"roadworthy.stress.{package}"
        for package in (
            "probes",
            "recodes",
            "readers",
            "sequences",
            "corruptions",
            "attacks",
            "modifiers",
        )
    ),
    "roadworthy.stresses",
)
