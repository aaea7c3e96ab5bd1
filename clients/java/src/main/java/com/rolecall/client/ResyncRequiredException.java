package com.rolecall.client;

import io.grpc.Status;

/**
 * Changes are lost: discard what was built from the changes, and start a new watch with the initial
 * state.
 */
public class ResyncRequiredException extends RolecallException {
  ResyncRequiredException(String message, Throwable cause) {
    super(ErrorFacts.of(Status.Code.FAILED_PRECONDITION, message, "RESYNC_REQUIRED"), cause);
  }
}
