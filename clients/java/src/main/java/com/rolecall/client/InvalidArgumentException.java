package com.rolecall.client;

/** The request breaks rules, which {@link #violations} lists. A repeat fails in the same way. */
public class InvalidArgumentException extends RolecallException {
  InvalidArgumentException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
