"""Calls that a process does not answer itself, and passes to the server that it follows."""
