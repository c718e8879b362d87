"""Sufficient input subsets on the page: pictures, curves, tables and heat maps."""
