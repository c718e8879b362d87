"""Decoders: encoded bytes to pixels, one file each."""
