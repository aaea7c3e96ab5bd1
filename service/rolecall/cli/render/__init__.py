"""Answers of the server as tables and text."""
