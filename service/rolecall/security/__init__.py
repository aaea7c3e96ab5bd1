"""Who may connect, who calls, and what callers may do."""
