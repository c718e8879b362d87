"""What stresses that consist of others share: their members, and what each of these may be."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from roadworthy.errors import UsageError
from roadworthy.spec import Spec

if TYPE_CHECKING:
    from roadworthy.stress.bound import Stress


@lru_cache(maxsize=512)
def resolved(members: tuple[Spec, ...]) -> tuple[Stress, ...]:
    """Return the stresses that ``members`` name."""
    from roadworthy.stress.bound import stress  # which imports the registry that imports this file

    return tuple(map(stress, members))


def check_single(member: Stress, *, whole: str) -> None:
    """Raise UsageError unless ``member`` has one variant, and leaves frame and store to ``whole``."""
    if member.frame != "own" or member.store is not None:
        raise UsageError(
            f"{whole}: give frame and store to {whole}(...) as a whole, not to '{member.name}'"
        )
    if len(member.settings) != 1:
        raise UsageError(
            f"{whole}: '{member.spec}' has {len(member.settings)} variants; "
            f"give each member one, for example {member.name}({member.settings[0].key})"
        )
