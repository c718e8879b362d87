"""Writing corrupted copies of a data set in the layouts of the published benchmarks."""
