"""One file per provider or combinator of models; the file's name is the name in the spec."""
