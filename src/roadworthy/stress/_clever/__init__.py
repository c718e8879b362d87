"""What the CLEVER score is made of."""
