package com.rolecall.client;

/** The server does not know the caller: no credential, or one that it refuses. */
public class NotAuthenticatedException extends RolecallException {
  NotAuthenticatedException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
