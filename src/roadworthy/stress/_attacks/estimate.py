"""What attacks cost that are parts of others."""

from __future__ import annotations

from roadworthy.stress.bound import Stress
from roadworthy.types import Need


def passes_of(member: Stress) -> tuple[int, int]:
    """Return the forward and backward passes that ``member`` may take for an image.

    As it says itself, else one of each for every step; a restart begins anew.
    """
    arguments, definition = member.settings[0].arguments, member.definition
    if definition.passes is not None:
        forwards, backwards = definition.passes(arguments)
    else:
        forwards = int(arguments.get("steps", 1))
        backwards = forwards if Need.GRADIENT in definition.needs else 0
    times = int(arguments.get("restarts", 1))
    return forwards * times, backwards * times
