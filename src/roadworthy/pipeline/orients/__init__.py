"""Orientation stages, one file each."""
