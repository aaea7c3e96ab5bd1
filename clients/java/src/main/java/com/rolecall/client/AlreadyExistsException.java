package com.rolecall.client;

/** A role of this name exists. */
public class AlreadyExistsException extends RolecallException {
  AlreadyExistsException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
