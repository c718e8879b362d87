"""Arithmetic that several corruptions and sequences share."""
