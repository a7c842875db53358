"""Judged flows as files: what a watch writes by the hour, and an audit reads and judges again."""
