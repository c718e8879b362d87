"""The norms that attacks are measured in, one file each."""

from __future__ import annotations

from roadworthy.stress._norms.base import Geometry
from roadworthy.stress._norms.l0 import L0
from roadworthy.stress._norms.l1 import L1
from roadworthy.stress._norms.l2 import L2
from roadworthy.stress._norms.linf import Linf

__all__ = ["GEOMETRIES", "Geometry"]

GEOMETRIES: dict[str, Geometry] = {"Linf": Linf(), "L2": L2(), "L1": L1(), "L0": L0()}
"""Every norm by name."""
