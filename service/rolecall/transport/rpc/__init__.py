"""What surrounds every call: statistics, concurrency limits, permits, streams and the error boundary."""
