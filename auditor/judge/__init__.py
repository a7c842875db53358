"""Verdicts, coverage and findings: what the documents say of what was seen."""
