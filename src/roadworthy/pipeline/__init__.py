"""From encoded bytes to the frame: decode, orient, profile, resize, crop, colour."""
