package com.rolecall.client;

/**
 * A limit was reached, which the message names: wait as {@link #retryAfter} says, or ask for less.
 */
public class ResourceExhaustedException extends RolecallException {
  ResourceExhaustedException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
