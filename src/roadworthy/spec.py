"""The language of spec strings: one text for every model, data set, stress and metric."""

from __future__ import annotations

from roadworthy._spec.errors import SpecError
from roadworthy._spec.parser import MAX_LENGTH, parse
from roadworthy._spec.values import Range, Spec, Sweep, Value, format_value

__all__ = ["MAX_LENGTH", "Range", "Spec", "SpecError", "Sweep", "Value", "format_value", "parse"]
