"""The options of commands, and how they are read."""
