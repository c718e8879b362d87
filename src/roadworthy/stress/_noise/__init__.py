"""Noise on each value of an image: published formulas, and tables that draw from the same law."""
