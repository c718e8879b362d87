"""Formats in which published benchmarks keep their images: one file each, found by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from roadworthy.errors import UsageError
from roadworthy.registry import Registry
from roadworthy.stores.base import Store, StoreDefinition

if TYPE_CHECKING:
    from roadworthy.spec import Spec

STORES: Registry[StoreDefinition] = Registry(
    "store", StoreDefinition, ("roadworthy.stores",), "roadworthy.stores"
)


def store(text: str | Spec) -> Store:
    """Return the format that a spec names: ``none``, ``png``, ``jpeg(quality=85)``, ``mp4(crf=20)``.

    The store carries the canonical text as its ``spec``. Raises UsageError for an unknown name or
    parameter, and where a package that the format needs is not installed.
    """
    from roadworthy.binding import bind, canonical
    from roadworthy.spec import parse

    spec = parse(text) if isinstance(text, str) else text
    if spec.path is not None:
        raise UsageError(f"'{spec}': a store takes no path; write '{spec.name}(...)'")
    definition = STORES.get(spec.name)
    kind = f"store '{spec.name}'"
    values = bind(spec, definition.parameters, kind=kind)
    if definition.check is not None:
        definition.check(values)
    made: Store = definition.function(**values)
    return replace(made, spec=str(canonical(spec, definition.parameters, kind=kind)))
