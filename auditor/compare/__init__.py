"""Two audits held against each other: what appeared, what disappeared, what changed."""
