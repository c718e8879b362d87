"""Images from production, which nobody has labelled."""
