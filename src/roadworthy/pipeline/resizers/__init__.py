"""Resizer families, one file each."""
