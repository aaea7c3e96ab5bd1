package com.rolecall.client;

/**
 * No server could be reached, or it is stopping: repeat the call later. Calls that are safe to
 * repeat have been repeated.
 */
public class UnavailableException extends RolecallException {
  UnavailableException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
