package com.rolecall.client;

/**
 * The token of the next call, which is sent as {@code authorization: Bearer TOKEN}. Used by several
 * threads.
 *
 * @see FileToken
 * @see CommandToken
 */
@FunctionalInterface
public interface TokenSource {
  /**
   * Returns the token. It may take as long as the call.
   *
   * @return the token
   * @throws TokenException if there is none
   */
  String token();

  /** Notes that a server refused the token: renew it before the next call, if possible. */
  default void refused() {}
}
