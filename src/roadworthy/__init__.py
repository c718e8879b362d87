"""roadworthy."""
