"""How a client reaches its servers: addresses, TLS files, tokens and channels."""
