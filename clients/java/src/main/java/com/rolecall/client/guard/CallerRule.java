package com.rolecall.client.guard;

/** Finds who calls. Used by several threads. */
@FunctionalInterface
public interface CallerRule {
  /**
   * Returns who calls.
   *
   * @param peer what is known of the peer
   * @return the one caller
   * @throws UnknownCallerException unless the call names exactly one caller
   */
  CallerIdentity identify(PeerFacts peer);

  /**
   * Returns whether every role needs the id of its account in its name, because callers belong to
   * the provider of that account.
   *
   * @return whether it does
   */
  default boolean needsAccount() {
    return false;
  }
}
