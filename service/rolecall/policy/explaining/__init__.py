"""Explanations of decisions: what each statement and condition did, and what is missing for an allow."""
