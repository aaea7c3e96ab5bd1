"""Reading the decision log of a server."""
