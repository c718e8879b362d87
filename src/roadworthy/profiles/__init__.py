"""Operating profiles: how often a model meets which conditions, and what its errors cost."""
