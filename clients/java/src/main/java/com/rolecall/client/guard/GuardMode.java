package com.rolecall.client.guard;

/** What a guard does with what it finds. */
public enum GuardMode {
  /** A call passes only if it is allowed. */
  ENFORCE,
  /** Every call passes; what would have been refused is logged and counted. */
  OBSERVE
}
