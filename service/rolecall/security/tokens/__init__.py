"""Tokens of callers and of federated identities: JSON Web Tokens, the keys that verify them, and what was verified."""
