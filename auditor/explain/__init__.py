"""Everything known of one flow: what was seen, what was decided, and why."""
