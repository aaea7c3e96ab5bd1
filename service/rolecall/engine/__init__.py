"""The engine: every role in memory, decisions about them, and writes."""
