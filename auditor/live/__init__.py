"""Auditing a span port as it runs: intake, ledger, windows, the loop over all of it."""
