"""Layouts in which hardware hands over luma and chroma, one file each."""
