"""The server process: its parts, how it starts, and how it stops."""
