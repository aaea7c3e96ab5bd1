"""Roles as values, the use cases of their administration, and the port of the store."""
