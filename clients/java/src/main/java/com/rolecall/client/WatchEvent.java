package com.rolecall.client;

import com.rolecall.v1.RoleWatchChange;
import com.rolecall.v1.WatchCheckpoint;

/** One event of a watch. */
public sealed interface WatchEvent {
  /**
   * A role changed, or is part of the initial state (with the kind CREATED).
   *
   * @param change the change
   */
  record Changed(RoleWatchChange change) implements WatchEvent {}

  /**
   * Every change up to here was returned. A later watch can continue from the token.
   *
   * @param checkpoint the checkpoint
   */
  record Checkpoint(WatchCheckpoint checkpoint) implements WatchEvent {}
}
