"""The readers of labelled images, by name."""

from __future__ import annotations

from roadworthy.data.base import DataDefinition
from roadworthy.registry import Registry

DATA = Registry("data set", DataDefinition, ("roadworthy.data.readers",), "roadworthy.data")
