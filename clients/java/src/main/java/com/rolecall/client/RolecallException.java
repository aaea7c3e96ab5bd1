package com.rolecall.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The query was not answered, or the write was not made. What callers treat differently has a class
 * of its own. A deny is an answer, and not an exception.
 */
public class RolecallException extends RuntimeException {
  /** What is known of the error. */
  private final ErrorFacts facts;

  RolecallException(ErrorFacts facts, Throwable cause) {
    super(facts.message(), cause);
    this.facts = facts;
  }

  /**
   * Returns the exception of a status: that of one query of a batch or a stream, for example.
   *
   * @param status the status, with its details
   * @return the exception
   */
  public static RolecallException of(com.google.rpc.Status status) {
    return Errors.of(status, "", null);
  }

  /**
   * Returns the code of gRPC.
   *
   * @return the code
   */
  public Status.Code code() {
    return facts.code();
  }

  /**
   * Returns the stable reason ({@code ROLE_NOT_FOUND}).
   *
   * @return the reason; empty if the error does not come from Rolecall itself
   */
  public String reason() {
    return facts.reason();
  }

  /**
   * Returns every rule that the request breaks.
   *
   * @return the violations, in the order of the request
   */
  public List<Violation> violations() {
    return facts.violations();
  }

  /**
   * Returns further facts, such as {@code ram_code}.
   *
   * @return the facts by name
   */
  public Map<String, String> metadata() {
    return facts.metadata();
  }

  /**
   * Returns what identifies the call in the log of the server.
   *
   * @return the id; empty if no server has answered
   */
  public String requestId() {
    return facts.requestId();
  }

  /**
   * Returns how long the server asks to wait before a repeat.
   *
   * @return the time, if the server asks for it
   */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(facts.retryAfter());
  }
}
