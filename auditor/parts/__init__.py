"""Captures read in parts, by several processes or machines, as if one had read them all."""
