"""The linter on the command line: what it is configured to report, and its findings explained."""
