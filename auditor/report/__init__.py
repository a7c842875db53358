"""Reports: tables, what they amount to, and the formats in which they are written."""
