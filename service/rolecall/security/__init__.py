"""TLS, the identity of callers, and what they may do."""
