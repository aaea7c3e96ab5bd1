package com.rolecall.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.rolecall.v1.PolicyViolation;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Makes the exceptions of failed calls. */
final class Errors {
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private Errors() {}

  static RolecallException closed() {
    return of(ErrorFacts.of(Status.Code.FAILED_PRECONDITION, "the client is closed", ""), null);
  }

  static RolecallException interrupted(Throwable cause) {
    return of(ErrorFacts.of(Status.Code.CANCELLED, "the thread was interrupted", ""), cause);
  }

  static RolecallException unavailable(String message) {
    return of(ErrorFacts.of(Status.Code.UNAVAILABLE, message, ""), null);
  }

  /** Returns the exception of what gRPC throws. */
  static RolecallException of(Throwable error) {
    if (error instanceof RolecallException known) {
      return known;
    }
    if (error instanceof StatusRuntimeException failed) {
      return of(failed.getStatus(), failed.getTrailers(), failed);
    }
    if (error instanceof StatusException failed) {
      return of(failed.getStatus(), failed.getTrailers(), failed);
    }
    return of(Status.fromThrowable(error), null, error);
  }

  /** Returns the exception of a call; the trailers may be null. */
  static RolecallException of(Status status, Metadata trailers, Throwable cause) {
    if (status.getCause() instanceof TokenException noToken) {
      return noToken;
    }
    String requestId = trailers == null ? null : trailers.get(REQUEST_ID);
    com.google.rpc.Status details = detailsIn(trailers);
    if (details != null) {
      return of(details, requestId == null ? "" : requestId, cause);
    }
    String message = status.getDescription() == null ? "" : status.getDescription();
    ErrorFacts bare = ErrorFacts.of(status.getCode(), message, "");
    return of(requestId == null ? bare : withRequestId(bare, requestId), cause);
  }

  static RolecallException of(com.google.rpc.Status status, String requestId, Throwable cause) {
    ErrorInfo info = first(status, ErrorInfo.getDefaultInstance());
    RetryInfo retry = first(status, RetryInfo.getDefaultInstance());
    Map<String, String> metadata = Map.copyOf(info.getMetadataMap());
    return of(
        new ErrorFacts(
            Status.fromCodeValue(status.getCode()).getCode(),
            status.getMessage(),
            info.getReason(),
            violations(status),
            metadata,
            requestId.isEmpty() ? metadata.getOrDefault("request_id", "") : requestId,
            retry.hasRetryDelay() ? duration(retry.getRetryDelay()) : null),
        cause);
  }

  private static RolecallException of(ErrorFacts facts, Throwable cause) {
    return switch (facts.code()) {
      case UNAVAILABLE -> new UnavailableException(facts, cause);
      case DEADLINE_EXCEEDED -> new DeadlineExceededException(facts, cause);
      case PERMISSION_DENIED -> new AccessDeniedException(facts, cause);
      case UNAUTHENTICATED -> new NotAuthenticatedException(facts, cause);
      case INVALID_ARGUMENT -> new InvalidArgumentException(facts, cause);
      case NOT_FOUND -> new NotFoundException(facts, cause);
      case ALREADY_EXISTS -> new AlreadyExistsException(facts, cause);
      case ABORTED -> new AbortedException(facts, cause);
      case RESOURCE_EXHAUSTED -> new ResourceExhaustedException(facts, cause);
      default -> new RolecallException(facts, cause);
    };
  }

  private static ErrorFacts withRequestId(ErrorFacts facts, String requestId) {
    return new ErrorFacts(
        facts.code(), facts.message(), facts.reason(), List.of(), Map.of(), requestId, null);
  }

  private static com.google.rpc.Status detailsIn(Metadata trailers) {
    byte[] details = trailers == null ? null : trailers.get(DETAILS);
    if (details == null || details.length == 0) {
      return null;
    }
    try {
      return com.google.rpc.Status.parseFrom(details);
    } catch (InvalidProtocolBufferException error) {
      // Cut by a proxy: the code and the message are still valid.
      return null;
    }
  }

  private static List<Violation> violations(com.google.rpc.Status status) {
    // Older servers, and errors without a trust policy, send no positions.
    List<PolicyViolation> positions = all(status, PolicyViolation.getDefaultInstance());
    List<Violation> violations = new ArrayList<>();
    for (BadRequest.FieldViolation found :
        first(status, BadRequest.getDefaultInstance()).getFieldViolationsList()) {
      PolicyViolation position =
          violations.size() < positions.size()
              ? positions.get(violations.size())
              : PolicyViolation.getDefaultInstance();
      violations.add(
          new Violation(
              found.getField(),
              found.getReason(),
              found.getDescription(),
              position.getPointer(),
              position.getLine(),
              position.getColumn()));
    }
    return List.copyOf(violations);
  }

  private static <M extends Message> M first(com.google.rpc.Status status, M none) {
    List<M> found = all(status, none);
    return found.isEmpty() ? none : found.get(0);
  }

  @SuppressWarnings("unchecked")
  private static <M extends Message> List<M> all(com.google.rpc.Status status, M type) {
    List<M> found = new ArrayList<>();
    for (Any detail : status.getDetailsList()) {
      if (detail.is(type.getClass())) {
        try {
          found.add((M) detail.unpack(type.getClass()));
        } catch (InvalidProtocolBufferException error) {
          // A detail that cannot be read leaves the others valid.
          continue;
        }
      }
    }
    return found;
  }

  private static Duration duration(com.google.protobuf.Duration found) {
    return Duration.ofSeconds(found.getSeconds(), found.getNanos());
  }
}
