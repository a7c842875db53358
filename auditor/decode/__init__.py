"""From frames to packets: addresses, ports, flags, payload; a status for what has none."""
