"""Reverse queries: the roles that a principal can assume."""
