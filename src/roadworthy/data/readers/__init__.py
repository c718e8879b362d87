"""One file a reader; the file name is the name in the spec."""
