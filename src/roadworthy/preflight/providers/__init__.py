"""Providers of pipelines, one file each."""
