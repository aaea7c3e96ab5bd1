"""The server that a command asks: how it is reached, and what its refusals mean."""
