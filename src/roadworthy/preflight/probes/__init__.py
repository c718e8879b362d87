"""The pictures that a pipeline is asked about: what they show is known, pixel by pixel."""
