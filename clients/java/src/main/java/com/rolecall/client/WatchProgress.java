package com.rolecall.client;

import com.rolecall.v1.RoleWatchChange;
import com.rolecall.v1.WatchCheckpoint;
import com.rolecall.v1.WatchRolesRequest;
import com.rolecall.v1.WatchRolesResponse;
import io.grpc.Status;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How far a watch has come: what it has returned, from where a new stream continues it, and when it
 * is given up.
 */
final class WatchProgress {
  private static final Set<String> RESUMED_REASONS = Set.of("WATCH_TOO_SLOW", "TOO_MANY_CALLS");
  private static final Set<Status.Code> RESUMED_CODES =
      Set.of(Status.Code.UNAVAILABLE, Status.Code.CANCELLED);
  private static final long FIRST_BACKOFF = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long MOST_BACKOFF = TimeUnit.SECONDS.toNanos(5);

  // What checkpoints say about the age of the state is less exact the longer a stream is open,
  // since
  // the two clocks drift apart, and the server judges the credential only when a stream is opened.
  private static final long LONGEST_STREAM = TimeUnit.MINUTES.toNanos(30);

  private record Returned(long revision, String roleId) {}

  private final LongSupplier clock;
  private final long laterGiveUpAfter;
  private final Set<Returned> returned = new HashSet<>();
  private WatchRolesRequest request;
  private long giveUpAfter;
  private long lastMessageAt;
  private long backoff = FIRST_BACKOFF;
  private long openUntil;
  private boolean stateStarted;

  WatchProgress(WatchRolesRequest request, long firstNanos, long giveUpNanos, LongSupplier clock) {
    this.request = request;
    this.giveUpAfter = firstNanos;
    this.laterGiveUpAfter = giveUpNanos;
    this.clock = clock;
    this.lastMessageAt = clock.getAsLong();
  }

  /** Returns the request of the next stream. */
  WatchRolesRequest request() {
    return request;
  }

  /** Notes that a stream is opened now. */
  void streamOpens() {
    // Streams that were opened at the same time, because a server was restarted, are not opened
    // again at the same time.
    openUntil = clock.getAsLong() + spread(LONGEST_STREAM);
  }

  /** Notes that the caller wants the next event: the time that it took is no silence. */
  void callerContinues() {
    lastMessageAt = clock.getAsLong();
  }

  /**
   * Returns whether the next event comes on a new stream: at a checkpoint, when this one is old.
   */
  boolean continuesElsewhere(WatchEvent event) {
    return event instanceof WatchEvent.Checkpoint && clock.getAsLong() - openUntil >= 0;
  }

  /** Returns the event of a message, null if it was returned before. */
  WatchEvent event(WatchRolesResponse message) {
    lastMessageAt = clock.getAsLong();
    giveUpAfter = laterGiveUpAfter;
    backoff = FIRST_BACKOFF;
    return switch (message.getEventCase()) {
      case CHANGE ->
          isNew(message.getChange()) ? new WatchEvent.Changed(message.getChange()) : null;
      case CHECKPOINT -> checkpoint(message.getCheckpoint());
      case RESYNC_REQUIRED ->
          throw new ResyncRequiredException(message.getResyncRequired().getReason(), null);
      // Never sent to a request without `batched`. To ignore it would lose changes.
      case BATCH ->
          throw new ResyncRequiredException(
              "the server sent a batch of changes, which this client does not ask for", null);
      case EVENT_NOT_SET -> null;
    };
  }

  /**
   * Returns the nanoseconds to wait before a new stream; throws the error if that would not help.
   */
  long pauseAfter(RolecallException error) {
    if (!RESUMED_CODES.contains(error.code()) && !RESUMED_REASONS.contains(error.reason())) {
      throw error;
    }
    if (clock.getAsLong() - lastMessageAt >= giveUpAfter) {
      throw error;
    }
    if (stateStarted && request.getIncludeInitialState()) {
      throw new ResyncRequiredException(
          "the stream broke before the initial state was complete; read it again", error);
    }
    long pause = spread(backoff);
    backoff = Math.min(backoff * 2, MOST_BACKOFF);
    return pause;
  }

  private boolean isNew(RoleWatchChange change) {
    if (request.getIncludeInitialState()) {
      stateStarted = true;
      return true;
    }
    return returned.add(new Returned(change.getRevision(), change.getRole().getRoleId()));
  }

  private WatchEvent checkpoint(WatchCheckpoint checkpoint) {
    // The first checkpoint of a resumed stream is not later than this one, so the changes after it
    // must stay in the set.
    returned.removeIf(change -> change.revision <= checkpoint.getRevision());
    request =
        request.toBuilder()
            .setStartToken(checkpoint.getToken())
            .setIncludeInitialState(false)
            .build();
    return new WatchEvent.Checkpoint(checkpoint);
  }

  private static long spread(long nanos) {
    return (long) (nanos * ThreadLocalRandom.current().nextDouble(0.5, 1));
  }
}
