"""Models: providers that name them, and what makes every one a fast classifier of [0, 1] images."""
