"""Where alerts go: one small module per kind of place, and the one that reads how it is asked."""
