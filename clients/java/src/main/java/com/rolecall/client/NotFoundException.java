package com.rolecall.client;

/** The role, or the revision, does not exist. */
public class NotFoundException extends RolecallException {
  NotFoundException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
