"""Which clean images a stress is compared with: those of the same frame."""

from __future__ import annotations

from functools import lru_cache

from roadworthy.spec import parse


@lru_cache(maxsize=4096)
def clean_of(stress: str) -> str:
    """Return the spec of ``clean`` in the frame of ``stress``, a spec: all drops are taken to it."""
    frame = str(dict(parse(stress).params).get("frame", "own"))
    return "clean" if frame == "own" else f"clean(frame={frame})"


def is_clean(stress: str) -> bool:
    """Whether a spec names the unstressed images, in whatever frame."""
    return stress.partition("(")[0] == "clean"
