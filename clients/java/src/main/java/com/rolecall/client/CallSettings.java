package com.rolecall.client;

import io.grpc.Metadata;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The time limit of calls, which is null for the default, and the metadata that they send. */
record CallSettings(Duration timeout, Metadata metadata) {
  static final CallSettings NONE = new CallSettings(null, new Metadata());

  private static final long MOST_NANOS = TimeUnit.DAYS.toNanos(365);

  /** Returns the nanoseconds of a time limit; throws {@link IllegalArgumentException}. */
  static Duration checked(Duration timeout) {
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("a timeout is more than 0, and not " + timeout);
    }
    return timeout;
  }

  CallSettings withTimeout(Duration changed) {
    return new CallSettings(checked(changed), metadata);
  }

  CallSettings withMetadata(Metadata more) {
    Metadata merged = new Metadata();
    merged.merge(metadata);
    merged.merge(more);
    return new CallSettings(timeout, merged);
  }

  long nanos(Duration usual) {
    Duration chosen = timeout == null ? usual : timeout;
    return chosen.compareTo(Duration.ofDays(365)) > 0 ? MOST_NANOS : chosen.toNanos();
  }
}
