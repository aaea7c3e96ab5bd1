"""Reverse queries: which roles a principal can assume."""
