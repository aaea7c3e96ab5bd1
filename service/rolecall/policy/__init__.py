"""The trust-policy language: parse, compile, evaluate, explain, lint. Standard library only; no I/O, no clock, no logging."""
