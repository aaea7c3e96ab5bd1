package com.rolecall.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What is known of an error. {@code retryAfter} may be null. */
record ErrorFacts(
    Status.Code code,
    String message,
    String reason,
    List<Violation> violations,
    Map<String, String> metadata,
    String requestId,
    Duration retryAfter) {
  static ErrorFacts of(Status.Code code, String message, String reason) {
    return new ErrorFacts(code, message, reason, List.of(), Map.of(), "", null);
  }
}
