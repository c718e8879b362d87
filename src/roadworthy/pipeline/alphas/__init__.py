"""Ways with transparency, one file each."""
