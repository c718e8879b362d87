"""Analyses over several models: what the survey and ARES-Bench ask; pure functions of results."""
