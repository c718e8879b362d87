"""Benchmarks: ratios against peers and floors, measured alternately; ``python -m bench``."""
