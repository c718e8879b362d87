"""What several attacks share; no stress lives here."""
