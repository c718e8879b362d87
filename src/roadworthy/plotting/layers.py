"""The layers of a Vega-Lite chart as values: what mark, of which rows, read off which columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from roadworthy.report.cells import distinct
from roadworthy.report.style import Spec

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Channel:
    """What an encoding says: the column, whether it has names or numbers, its scale and axis."""

    field: str
    kind: str
    title: str
    order: Sequence[str]
    scale: Mapping[str, Any]
    axis: Mapping[str, Any]

    @property
    def named(self) -> bool:
        """Whether its values are names, which lie side by side in their order."""
        return self.kind == "nominal"


@dataclass(frozen=True)
class Layer:
    """One mark with its rows and channels."""

    mark: str
    style: Mapping[str, Any]
    rows: Sequence[Row]
    channels: Mapping[str, Channel]

    def values(self, name: str, rows: Sequence[Row] | None = None) -> list[Any]:
        """Return the column of a channel."""
        field = self.channels[name].field
        return [row.get(field) for row in (self.rows if rows is None else rows)]

    def known(self, *names: str) -> list[Row]:
        """Return the rows with a value in each of the channels."""
        fields = [self.channels[name].field for name in names]
        return [row for row in self.rows if all(row.get(field) is not None for field in fields)]

    @cached_property
    def coloured(self) -> bool:
        """Whether it has a colour for each series, rather than that of the text."""
        return "color" in self.channels and self.channels["color"].named


def layers_of(spec: Spec) -> list[Layer]:
    """Return the layers of a chart in their order, each with its rows."""
    data = spec.get("datasets", {})
    listed = spec.get("layer") or [spec]
    return [_layer(one, spec, data) for one in listed]


def _layer(one: Mapping[str, Any], spec: Spec, data: Mapping[str, Any]) -> Layer:
    source = one.get("data") or spec.get("data") or {}
    rows = source.get("values") or data.get(str(source.get("name")), [])
    encoding = {**spec.get("encoding", {}), **one.get("encoding", {})}
    channels = {
        name: _channel(told, rows)
        for name, told in encoding.items()
        if isinstance(told, Mapping) and "field" in told
    }
    mark = one["mark"]
    style = mark if isinstance(mark, Mapping) else {"type": mark}
    return Layer(str(style["type"]), style, rows, channels)


def _channel(told: Mapping[str, Any], rows: Sequence[Row]) -> Channel:
    field, kind = str(told["field"]), str(told.get("type", "quantitative"))
    order: Sequence[str] = told.get("sort") or () if kind == "nominal" else ()
    if kind == "nominal" and not isinstance(order, list | tuple):
        order = ()
    there = distinct(str(row[field]) for row in rows if row.get(field) is not None)
    return Channel(
        field,
        kind,
        str(told.get("title") or ""),
        order or (there if kind == "nominal" else ()),
        told.get("scale") or {},
        told.get("axis") or {},
    )
