"""Families of resizers in words: what differs between them is the filter, not whose it is."""

from __future__ import annotations

from roadworthy.pipeline import families


def family_of(resizer: str) -> str:
    """Return the family of a resizer in words, or its own name."""
    return families.family_of(resizer).words
