"""Requirements on a run, decided by intervals: pass, fail, or undecided with the images it would take."""
