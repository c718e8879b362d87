"""Colour-profile stages, one file each."""
