package com.rolecall.client.guard;

/**
 * A call does not name exactly one caller. The message is for the log; the caller must not see it.
 */
public class UnknownCallerException extends RuntimeException {
  /**
   * Makes the exception.
   *
   * @param message what the call lacks
   */
  public UnknownCallerException(String message) {
    super(message);
  }
}
