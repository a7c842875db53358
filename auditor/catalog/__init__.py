"""The port catalog: what the paper and the pages beside it say, as data in `rules/`."""
