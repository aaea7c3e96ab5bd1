"""Read the decision log of a server."""
