"""The nearest of what several searches for the smallest change find, image by image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.spec import Spec
from roadworthy.stress import STRESSES
from roadworthy.stress._attacks.estimate import passes_of
from roadworthy.stress._attacks.smallest import Smallest
from roadworthy.stress._norms import Geometry
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.norm_names import NORMS
from roadworthy.stress.play import Play, budgeted
from roadworthy.stress.watch import NEVER, Found


def _admit(arguments: Mapping[str, Any]) -> None:
    """Refuse members that have no such search, before they are asked for what these need."""
    for member in arguments["members"]:
        definition = STRESSES.get(member.name)
        types = {p.name: p.type for p in definition.parameters}
        if not definition.minimal:
            instead = "give attacks that do, such as fmn and fab_targeted"
            if "eps" in types:
                instead = f"write eps_search({member.name}(eps=…)), which does"
            raise UsageError(
                f"nearest: '{member}' does not look for the smallest change; {instead}"
            )


def _check(arguments: Mapping[str, Any]) -> None:
    for member in arguments["members"]:
        budgeted(member, arguments, outer="nearest")


def _passes(arguments: Mapping[str, Any]) -> tuple[int, int]:
    members = [budgeted(m, arguments, outer="nearest") for m in arguments["members"]]
    forwards, backwards = zip(*map(passes_of, members), strict=True)
    return sum(forwards) + len(members), sum(backwards)  # what each found is looked at once


@minimal_attack(norms=NORMS, check=_check, admits=_admit, passes=_passes, composed=True)
def nearest(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    members: tuple[Spec, ...],
    *,
    play: Play,
) -> Found:
    """Keep the nearest that any of ``members`` finds: ``nearest(fab_targeted, fmn, norm=Linf)``.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape. All members, attacks for
    the smallest change, run on all images as they do on their own, in the norm of the whole. Of each
    image the smallest change is kept that reached the goal, of equal ones the first; ``broken_by``
    names the member that found it. An image that no member broke stays as it is. Steps add up over
    the members.
    """
    del model  # `play` runs the members on it
    everyone = torch.arange(len(x), device=x.device)
    smallest = Smallest(x, geometry)
    names: list[str | None] = [None] * len(x)
    first = torch.full_like(everyone, NEVER)
    for member in members:
        found = play(member, everyone)
        reached = goal.reached(play.work.logits(found.x))
        step = smallest.steps_used + found.first_step
        first = torch.where(reached & (first == NEVER), step, first)
        for index in smallest.take(everyone, found, reached).nonzero().flatten().tolist():
            names[index] = str(member)
    return replace(smallest.found, step_success=first, broken_by=tuple(names))
