package com.rolecall.client;

/** A source of tokens that knows whether it has one. */
interface RenewedToken extends TokenSource {
  /** Returns the token if that takes no time, else null; throws {@link TokenException}. */
  String ready();
}
