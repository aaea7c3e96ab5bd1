package com.rolecall.client;

/**
 * Another write came first, for example when an etag is no longer the current one: read again, then
 * repeat.
 */
public class AbortedException extends RolecallException {
  AbortedException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
