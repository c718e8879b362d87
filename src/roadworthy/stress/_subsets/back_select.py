"""Removing the units of images step after step, always those that cost the least confidence."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from roadworthy.stress._subsets.confidence import Confidence
from roadworthy.stress._subsets.removal import NEVER, Removal
from roadworthy.stress._subsets.schedule import Schedule

CANDIDATES = 1024
"""Candidates whose masks are laid out at once."""


@dataclass(frozen=True)
class Patience:
    """Stop an image whose confidence was below ``threshold`` for so many ``steps`` in a row."""

    threshold: float
    steps: int


@dataclass
class _State:
    """N images on their way: ``kept`` (N, units), and ``order``, the steps at which units went."""

    kept: Tensor
    order: Tensor
    grid: tuple[int, int]
    told: Tensor  # confidence in what is kept, where a trial has told it already, else NaN
    slopes: Tensor | None = None
    confidence: list[Tensor] = field(default_factory=list)

    def masks(self, rows: Tensor) -> Tensor:
        return self.kept[rows].view(-1, *self.grid)


def back_select(
    confidence: Confidence, kept: Tensor, schedule: Schedule, *, patience: Patience | None = None
) -> Removal:
    """Remove all units of ``kept`` (N, h, w) and return how that went.

    While more than ``schedule.exact_from`` are left, those go that to first order cost the least
    (Batched Gradient SIS), then one at a time, whichever is found to cost the least (BackSelect).
    Ties go to the lowest index, row by row. An image for which the model says anything that is not
    finite goes no further; its baseline is NaN. Carter et al., AISTATS 2019 and NeurIPS 2021.
    """
    count, *grid = kept.shape
    flat = kept.reshape(count, -1).clone()
    unknown = torch.full((count,), float("nan"), dtype=torch.float64, device=kept.device)
    never = torch.full_like(flat, NEVER, dtype=torch.int32)
    state = _State(flat, never, (grid[0], grid[1]), unknown.clone())
    broken, partial = (torch.zeros(count, dtype=torch.bool, device=kept.device) for _ in "12")
    below = torch.zeros(count, dtype=torch.long, device=kept.device)
    while True:
        left = state.kept.sum(1)
        rows = ((left > 0) & ~broken & ~partial).nonzero().squeeze(1)
        if not len(rows):
            break
        slow = left[rows] <= schedule.exact_from
        values = unknown.clone()
        for chosen, find in ((rows[~slow], _by_slope), (rows[slow], _by_trial)):
            if len(chosen):
                values[chosen], gone = find(confidence, state, chosen, schedule)
                state.kept[chosen] &= ~gone
                state.order[chosen] = torch.where(gone, len(state.confidence), state.order[chosen])
        state.confidence.append(values)
        broken[rows] = ~values[rows].isfinite()
        if patience is not None:
            below = torch.where(values < patience.threshold, below + 1, 0)
            partial |= (below >= patience.steps) & state.kept.any(1)
    return _finished(confidence, state, broken, partial)


def _finished(confidence: Confidence, state: _State, broken: Tensor, partial: Tensor) -> Removal:
    everyone = torch.arange(len(state.kept), device=state.kept.device)
    nothing = torch.zeros_like(state.kept).view(-1, *state.grid)
    baseline = confidence.values(everyone, nothing).masked_fill(broken, float("nan"))
    order = torch.where(state.kept, len(state.confidence), state.order)
    return Removal(
        order.view(-1, *state.grid).cpu().numpy().astype(np.uint16),
        torch.stack(state.confidence, 1).cpu().numpy(),
        baseline.cpu().numpy(),
        partial.cpu().numpy(),
    )


def _by_slope(
    confidence: Confidence, state: _State, rows: Tensor, schedule: Schedule
) -> tuple[Tensor, Tensor]:
    """Return the confidence of ``rows`` and which units cost the least to first order."""
    kept = state.kept[rows]
    values, gains = confidence.gains(rows, state.masks(rows))
    slopes = gains.flatten(1)
    if schedule.decay:
        if state.slopes is None:
            state.slopes = torch.zeros(state.kept.shape, dtype=slopes.dtype, device=slopes.device)
        slopes = slopes.add(state.slopes[rows], alpha=schedule.decay)
        state.slopes[rows] = slopes
    finite = torch.where(kept, slopes, 0).isfinite().all(1) & values.isfinite()
    values = values.masked_fill(~finite, float("nan"))
    wanted = schedule.sizes(kept.sum(1).cpu().numpy())
    sizes = torch.from_numpy(wanted).to(rows.device)
    ranked = torch.where(kept & finite[:, None], slopes, float("-inf"))
    return values, largest(ranked, sizes) & kept & finite[:, None]


def _by_trial(
    confidence: Confidence, state: _State, rows: Tensor, _: Schedule
) -> tuple[Tensor, Tensor]:
    """Return the confidence of ``rows`` and the unit of each that is found to cost the least."""
    kept = state.kept[rows]
    asked = rows[state.told[rows].isnan()]
    if len(asked):
        state.told[asked] = confidence.values(asked, state.masks(asked))
    values = state.told[rows]
    found = torch.full(kept.shape, float("-inf"), dtype=torch.float64, device=kept.device)
    images, units = kept.nonzero(as_tuple=True)
    for at in torch.split(torch.arange(len(units), device=kept.device), CANDIDATES):
        masks = kept[images[at]]
        masks[torch.arange(len(at), device=kept.device), units[at]] = False
        found[images[at], units[at]] = confidence.values(
            rows[images[at]], masks.view(-1, *state.grid)
        )
    sound = ~found.isnan().any(1)
    best = found.nan_to_num(nan=float("-inf"), posinf=float("inf"), neginf=float("-inf")).argmax(1)
    state.told[rows] = found.gather(1, best[:, None]).squeeze(1)
    gone = torch.zeros_like(kept).scatter(1, best[:, None], sound[:, None])
    return values.masked_fill(~sound, float("nan")), gone


def largest(ranked: Tensor, sizes: Tensor) -> Tensor:
    """Return the ``sizes`` (N,) largest of each row (N, units); of equal ones those that come first."""
    most = int(sizes.max())
    if most == 1:
        first = ranked.argmax(1, keepdim=True)
        return torch.zeros_like(ranked, dtype=torch.bool).scatter(1, first, value=True)
    edge = ranked.topk(most, dim=1).values.gather(1, sizes[:, None] - 1)
    above, equal = ranked > edge, ranked == edge
    missing = sizes - above.sum(1)
    return above | (equal & (equal.cumsum(1) <= missing[:, None]))
