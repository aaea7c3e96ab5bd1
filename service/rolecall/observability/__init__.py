"""Metrics, logs, the decision log and the ops port of a server."""
