"""Preflight: is this model, on this data, what you think it is."""

from roadworthy.models.check.examine import check
from roadworthy.models.check.report import Finding, Report, text

__all__ = ["Finding", "Report", "check", "text"]
