"""Watching a span port for months: what leaves the capture loop, and how it survives faults."""
