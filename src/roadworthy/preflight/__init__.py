"""Preflight of pipelines: what is this one, how does it differ from that one, and what does it cost."""
