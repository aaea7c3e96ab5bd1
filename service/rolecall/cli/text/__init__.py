"""Text that is read from files, and text for people."""
