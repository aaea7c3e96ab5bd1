"""The migrations of the SQL stores: numbered, forward only."""
