"""The permission-policy language: what a principal may do, and what a caller may ask."""
