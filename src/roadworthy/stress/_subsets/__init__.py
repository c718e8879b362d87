"""Sufficient input subsets: orders in which pixels can be done without, and what is cut out of them."""
