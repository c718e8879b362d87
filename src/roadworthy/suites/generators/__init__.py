"""Suites whose members follow from their parameters, one file each; see roadworthy.suites."""
