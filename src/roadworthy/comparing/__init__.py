"""Two runs on the same images, side by side: differences with intervals, tests, and flipped images."""
