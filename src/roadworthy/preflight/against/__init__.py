"""Two artefacts of one model: float and quantised, torch and exported, two number formats."""
