"""After how many queries black-box attacks are compared."""

from __future__ import annotations

QUERY_MARKS = (100, 1000, 5000, 10_000)
"""Budgets that reports read off one run."""
