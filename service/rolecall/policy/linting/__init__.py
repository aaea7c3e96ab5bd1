"""The linter of trust policies, and what it shares with that of permission policies."""
