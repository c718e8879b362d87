"""Sections of the page: one file, one decorated function, found by the registry."""
