"""Colour stages, one file each."""
