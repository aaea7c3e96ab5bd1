"""The engine: every role in memory, the decisions about them, and the way of a write."""
