"""The charts of a run outside its page: in a notebook, and as vector figures for a paper."""
