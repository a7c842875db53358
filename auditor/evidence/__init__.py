"""What payload tells of its endpoints, beside the packets themselves."""
