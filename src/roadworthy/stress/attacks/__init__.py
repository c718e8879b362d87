"""One stress a file; see roadworthy.stress."""
