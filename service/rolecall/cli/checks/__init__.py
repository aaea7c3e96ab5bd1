"""The checks of policies, roles and deletions before anything is written."""
