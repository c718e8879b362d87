"""Geometries: how a picture is fitted to the frame, one file each."""
