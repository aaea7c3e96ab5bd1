package com.rolecall.client.guard;

import java.util.Locale;

/** What was found about a call. Only allowed and open calls pass an enforcing guard. */
public enum GuardOutcome {
  /** The caller may assume the role of the method. */
  ALLOWED,
  /** The method is open to every caller; nobody was asked. */
  PUBLIC,
  /** The caller may not assume the role of the method. */
  DENIED,
  /** No entry of the map names the method. */
  CLOSED,
  /** The call does not name exactly one caller, or its token is invalid. */
  UNKNOWN_CALLER,
  /** No decision could be made: the service did not answer, or refused the query. */
  UNDECIDED,
  /** The guard observes, and too many calls were being decided already. */
  NOT_OBSERVED;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
