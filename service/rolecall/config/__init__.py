"""The settings of a server process."""
