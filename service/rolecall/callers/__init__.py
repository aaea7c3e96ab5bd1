"""The callers of this service: who they are and what they may ask. No I/O, no gRPC."""
