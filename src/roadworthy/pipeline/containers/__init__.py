"""Strict readers of container headers: what is in the file, before any decoder sees it."""
