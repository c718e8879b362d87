"""Which range of an activation the levels cover: calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from roadworthy.models.quantise.grid import SHARES, Grid, affine

TAIL = 1e-4
"""Share of the values that ``percentile`` leaves out at either end: the 99.99th percentile."""

KEPT = 2**16
"""Values of one activation that are kept to look for percentiles and errors."""

Range = tuple[float, float]


@dataclass
class Seen:
    """What calibration saw of one activation: its ends exactly, and values drawn from all of it."""

    low: float = 0.0
    high: float = 0.0
    finite: bool = True
    parts: list[Tensor] = field(default_factory=list)

    def add(self, x: Tensor, *, keep: int, generator: torch.Generator) -> None:
        """Note a tensor, and ``keep`` values of it."""
        values = x.detach().float().reshape(-1)
        low, high = map(float, values.aminmax())
        self.finite &= isfinite(low) and isfinite(high)
        self.low, self.high = min(self.low, low), max(self.high, high)
        if keep:
            drawn = torch.randint(values.numel(), (keep,), generator=generator)
            self.parts.append(values[drawn.to(values.device)].cpu())

    @property
    def values(self) -> Tensor:
        """The values that were kept, (N,)."""
        return torch.cat(self.parts)


def minmax(seen: Seen, _bits: int) -> Range:
    """Return the smallest and the largest value."""
    return seen.low, seen.high


def percentile(seen: Seen, _bits: int) -> Range:
    """Return the values that leave a ten-thousandth of all outside at either end."""
    low, high = seen.values.quantile(torch.tensor([TAIL, 1 - TAIL])).tolist()
    return low, high


def mse(seen: Seen, bits: int) -> Range:
    """Return the range whose levels have the smallest mean squared error on the values kept.

    Tried are the other two, parts of the whole range, and parts of its upper end with all below.
    """
    tried: list[Range] = [minmax(seen, bits), percentile(seen, bits)]
    for share in SHARES:
        tried += [(share * seen.low, share * seen.high), (seen.low, share * seen.high)]
    values = seen.values
    return min(tried, key=lambda pair: squared_error(values, affine(pair[0], pair[1], bits)))


def squared_error(values: Tensor, grid: Grid) -> float:
    """Return the mean squared error of rounding ``values`` to ``grid``."""
    return float((grid.round(values) - values).square().mean())


RULES: Mapping[str, Callable[[Seen, int], Range]] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
}
