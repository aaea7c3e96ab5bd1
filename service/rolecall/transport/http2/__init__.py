"""gRPC in the event loop itself, over the HTTP/2 of libnghttp2; `grpc.aio` answers the same calls at many times the cost."""
