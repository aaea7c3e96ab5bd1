package com.rolecall.client;

/** The server knows the caller, which may not do this. */
public class AccessDeniedException extends RolecallException {
  AccessDeniedException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
