package com.rolecall.client;

/**
 * No answer arrived within the timeout. A write may have been made: repeat it with the same request
 * id.
 */
public class DeadlineExceededException extends RolecallException {
  DeadlineExceededException(ErrorFacts facts, Throwable cause) {
    super(facts, cause);
  }
}
