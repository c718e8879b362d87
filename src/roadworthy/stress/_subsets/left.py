"""The points of a curve of confidence."""

from __future__ import annotations

LEFT = (
    *(1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1),
    *(0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01, 0.0),
)
"""Shares of the pixels that are left at the points of a curve."""
