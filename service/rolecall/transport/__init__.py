"""The gRPC surface: messages in, messages out, errors as statuses."""
