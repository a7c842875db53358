"""What leaves the watch over a span port, and how it survives faults."""
