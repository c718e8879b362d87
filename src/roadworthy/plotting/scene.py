"""What all marks of one figure share: layers, names on the axes, series with their looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from roadworthy.plotting.layers import Channel, Layer, Row, layers_of
from roadworthy.plotting.look import COLORS, DASHES, GREY, MARKERS
from roadworthy.report.cells import distinct
from roadworthy.report.style import Spec


class Look(NamedTuple):
    """How one series is drawn."""

    color: str
    marker: str
    dash: Any


@dataclass(frozen=True)
class Scene:
    """The layers of a chart, and where their rows lie."""

    layers: Sequence[Layer]

    @classmethod
    def of(cls, spec: Spec) -> Scene:
        """Return the scene of a Vega-Lite chart."""
        return cls(layers_of(spec))

    def channel(self, name: str) -> Channel | None:
        """Return the channel that says what an axis is: one with names, or with a title."""
        found = [layer.channels[name] for layer in self.layers if name in layer.channels]
        return next((one for one in found if one.named or one.title), found[0] if found else None)

    @cached_property
    def series(self) -> list[str]:
        """The series in the order of the legend."""
        channels = [layer.channels["color"] for layer in self.layers if layer.coloured]
        return distinct(name for channel in channels for name in channel.order)

    @cached_property
    def names(self) -> Mapping[str, Sequence[str]]:
        """The names on each axis that has names."""
        channels = {name: self.channel(name) for name in ("x", "y")}
        return {name: one.order for name, one in channels.items() if one is not None and one.named}

    @cached_property
    def beside(self) -> bool:
        """Whether several series share a name, and lie beside each other."""
        return any(
            len(channel.order) > 1
            for layer in self.layers
            for name, channel in layer.channels.items()
            if name.endswith("Offset")
        )

    def look(self, series: str | None) -> Look:
        """Return how a series is drawn; grey what belongs to none."""
        if series is None:
            return Look(GREY, "o", "-")
        at = self.series.index(series)
        shape = (at + at // 8) % 8  # the ninth has the colour of the first, and another shape
        return Look(COLORS[at % 8], MARKERS[shape], DASHES[shape])

    def lines(self, layer: Layer, *needed: str) -> Iterator[tuple[str | None, list[Row]]]:
        """Yield the rows of each series with a value in every channel ``needed``, from left to right."""
        known = layer.known(*needed)
        if not layer.coloured:
            yield None, known
            return
        field = layer.channels["color"].field
        for name in self.series:
            own = [row for row in known if str(row.get(field)) == name]
            if own:
                yield name, own

    def at(self, layer: Layer, name: str, row: Row) -> float:
        """Return where a row lies on an axis: a number, or the place of its name."""
        channel = layer.channels[name]
        value = row[channel.field]
        if not channel.named:
            return float(value)
        return self.names[name].index(str(value)) + self._beside(layer, name, row)

    def _beside(self, layer: Layer, name: str, row: Row) -> float:
        """Return how far a series lies off the middle of its name, where several share one."""
        offset = layer.channels.get(f"{name}Offset")
        if offset is None or len(offset.order) < 2:
            return 0.0
        place = offset.order.index(str(row[offset.field])) - (len(offset.order) - 1) / 2
        return 0.7 * place / len(offset.order)
