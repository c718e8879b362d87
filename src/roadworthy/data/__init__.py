"""Labelled encoded images: readers, a stable order, and how labels relate to a model's outputs."""
