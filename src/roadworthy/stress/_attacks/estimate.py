"""What an attack may cost, before it runs."""

from __future__ import annotations

from roadworthy.stress.bound import Setting, Stress
from roadworthy.types import Need


def passes_of(one: Stress, setting: Setting | None = None) -> tuple[int, int]:
    """Return the forward and backward passes that an attack may take for an image under ``setting``.

    As it says itself, as its members say, or else one of each for every step; a restart begins anew.
    """
    arguments, definition = (setting or one.settings[0]).arguments, one.definition
    times = int(arguments.get("restarts", 1))
    if definition.passes is not None:
        forwards, backwards = definition.passes(arguments)
        times = 1 if definition.minimal else times  # these restart themselves and have said so
    elif one.members:
        each = [passes_of(member) for member in one.members]
        forwards, backwards = sum(f for f, _ in each), sum(b for _, b in each)
    else:
        forwards = int(arguments.get("steps", 1))
        backwards = forwards if Need.GRADIENT in definition.needs else 0
    return forwards * times, backwards * times
