package com.rolecall.client;

import io.grpc.Status;

/** The client has no token to send: its file cannot be read, or its command failed. */
public class TokenException extends NotAuthenticatedException {
  /**
   * Makes the exception of a source of tokens.
   *
   * @param message why there is no token, without any secret
   */
  public TokenException(String message) {
    this(message, null);
  }

  /**
   * Makes the exception of a source of tokens.
   *
   * @param message why there is no token, without any secret
   * @param cause the cause
   */
  public TokenException(String message, Throwable cause) {
    super(ErrorFacts.of(Status.Code.UNAUTHENTICATED, message, "NO_TOKEN"), cause);
  }
}
