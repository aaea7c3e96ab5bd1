package com.rolecall.client.guard;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.protobuf.StatusProto;

/** The status of a refused call. It says nothing about roles and policies. */
final class GuardRefusal {
  private static final String DOMAIN = "rolecall.guard";
  private static final int RETRY_SECONDS = 1;

  private GuardRefusal() {}

  static StatusException of(GuardDecision decision) {
    return switch (decision.outcome()) {
      case DENIED ->
          status(
              decision,
              Code.PERMISSION_DENIED,
              "NOT_ALLOWED",
              "the caller is not allowed to call this method");
      case CLOSED ->
          status(
              decision,
              Code.PERMISSION_DENIED,
              "METHOD_CLOSED",
              "this method is not open to callers");
      case UNKNOWN_CALLER ->
          status(
              decision,
              Code.UNAUTHENTICATED,
              "UNKNOWN_CALLER",
              "the call has no valid credential that names one caller");
      default ->
          status(
              decision,
              Code.UNAVAILABLE,
              "NOT_DECIDED",
              "whether the caller is allowed could not be decided; retry later");
    };
  }

  private static StatusException status(
      GuardDecision decision, Code code, String reason, String message) {
    String id = decision.decisionId();
    ErrorInfo.Builder info = ErrorInfo.newBuilder().setReason(reason).setDomain(DOMAIN);
    Status.Builder status = Status.newBuilder().setCode(code.value()).setMessage(message);
    if (!id.isEmpty()) {
      info.putMetadata("decision_id", id);
      status.setMessage(message + "; decision `" + id + "`");
    }
    status.addDetails(Any.pack(info.build()));
    if (code == Code.UNAVAILABLE) {
      Duration delay = Duration.newBuilder().setSeconds(RETRY_SECONDS).build();
      status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()));
    }
    return StatusProto.toStatusException(status.build());
  }
}
