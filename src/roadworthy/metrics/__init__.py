"""Metrics: pure functions of records, one file per family."""
