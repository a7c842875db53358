"""The history's database: its tables, what is written, and what can be asked."""
