"""What a site says of itself: who is who, and what it changed, accepted or forbids."""
