"""An agent: the same server, whose state follows another server instead of a store."""
