"""One generic registry: file name = item name, imported when first used, extended by entry points."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from roadworthy.errors import RoadworthyError, UsageError, did_you_mean

EMPTY = inspect.Parameter.empty


@dataclass(frozen=True)
class Parameter:
    """One parameter of an item, as its signature declares it; ``default`` is EMPTY where required."""

    name: str
    type: Any
    default: Any = EMPTY

    @property
    def required(self) -> bool:
        """Whether the parameter has no default."""
        return self.default is EMPTY


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What every registered item has: its name, the decorated function and its parameters."""

    name: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    version: int = 1
    paper: str | None = None

    @property
    def doc(self) -> str:
        """The docstring of the function."""
        return inspect.getdoc(self.function) or ""


def parameters_of(
    function: Callable[..., Any], *, skip: int = 0, without: frozenset[str] = frozenset()
) -> tuple[Parameter, ...]:
    """Read the user-visible parameters of ``function``, leaving out the first ``skip`` and ``without``."""
    signature = inspect.signature(function, eval_str=True)
    chosen = [p for i, p in enumerate(signature.parameters.values()) if i >= skip]
    return tuple(
        Parameter(p.name, p.annotation, p.default)
        for p in chosen
        if p.name not in without and p.kind is not p.VAR_KEYWORD and p.kind is not p.VAR_POSITIONAL
    )


ItemT = TypeVar("ItemT", bound=Definition)


@dataclass(frozen=True)
class Registry(Generic[ItemT]):
    """Items of one kind, found as the files of ``packages`` and as entry points of ``group``.

    A file ``p/gaussian_noise.py`` holds the item ``gaussian_noise``; nothing is imported before the
    item is asked for. Files whose name starts with an underscore, and ``base.py``, hold no item.
    ``listed`` is what ``roadworthy ls`` calls the kind.
    """

    kind: str
    item_type: type[ItemT]
    packages: tuple[str, ...]
    group: str
    listed: tuple[str, ...] = ()

    @cached_property
    def _files(self) -> Mapping[str, tuple[str, Path]]:
        found: dict[str, tuple[str, Path]] = {}
        for package in self.packages:
            spec = importlib.util.find_spec(package)
            for folder in (spec.submodule_search_locations or []) if spec else []:
                for path in sorted(Path(folder).glob("*.py")):
                    if not path.stem.startswith("_") and path.stem != "base":
                        found[path.stem] = (f"{package}.{path.stem}", path)
        return found

    @cached_property
    def _plugins(self) -> Mapping[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._files, *self._plugins}))

    def __contains__(self, name: object) -> bool:
        return name in self._files or name in self._plugins

    def get(self, name: str) -> ItemT:
        """Return the item called ``name``; raises UsageError with the nearest name if there is none."""
        if name in self._files:
            module_name, path = self._files[name]
            return self._item_of(importlib.import_module(module_name), name, path)
        if name in self._plugins:
            item = self._plugins[name].load()
            if not isinstance(item, self.item_type):
                raise RoadworthyError(
                    f"plug-in '{name}' ({self._plugins[name].value}) is not a {self.kind}: "
                    f"its entry point must name a function decorated as one"
                )
            return item
        raise UsageError(
            f"no {self.kind} is called '{name}'{did_you_mean(name, self)} "
            f"(`{' '.join(['roadworthy', 'ls', *self.listed])}` shows what there is)"
        )

    def summary(self, name: str) -> str:
        """Return the first line of an item's documentation; built-in items are not imported for it."""
        if name in self._files:
            tree = ast.parse(self._files[name][1].read_text(encoding="utf-8"))
            return (ast.get_docstring(tree) or "").partition("\n")[0]
        return self.get(name).doc.partition("\n")[0]

    def _item_of(self, module: Any, name: str, path: Path) -> ItemT:
        for value in vars(module).values():
            if isinstance(value, self.item_type) and value.name == name:
                return value
        raise RoadworthyError(f"{path} defines no {self.kind} called '{name}'")
