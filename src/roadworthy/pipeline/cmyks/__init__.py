"""Ways from the four inks of CMYK to RGB, one file each."""
