"""The rules that the verdict's sentences come from: one file, one decorated function each."""
