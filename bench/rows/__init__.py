"""Races by family, one file each: a module with ``races(quick) -> list[Race]`` is found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from bench.race import Race


def races(*, quick: bool) -> list[Race]:
    """Return the races of every module in this folder, in the order of their names."""
    found: list[Race] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        found.extend(importlib.import_module(f"{__name__}.{module}").races(quick=quick))
    return found
