"""Frost: textures generated here, and the original ones read from a folder."""
