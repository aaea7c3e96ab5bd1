package com.rolecall.client;

import com.rolecall.v1.WatchRolesRequest;
import com.rolecall.v1.WatchRolesResponse;
import com.rolecall.v1.WatchServiceGrpc;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Every change of roles, in order and once, and checkpoints, until it is closed. It can be read
 * once, by one thread; any thread may close it.
 *
 * <p>A stream that breaks, or on which nothing arrives, is resumed from the last checkpoint. If
 * changes are lost, {@link ResyncRequiredException} is thrown: discard what was built from the
 * changes, and start a new watch with the initial state.
 */
public final class RoleWatch implements Iterable<WatchEvent>, Iterator<WatchEvent>, AutoCloseable {
  // The server sends a message every few seconds.
  private static final long SILENT_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final int AHEAD = 64;

  private final Calls calls;
  private final CallSettings settings;
  private final WatchOptions options;
  private final WatchProgress progress;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Object lock = new Object();
  private OpenStream<WatchRolesRequest, WatchRolesResponse> stream;
  private WatchEvent next;

  RoleWatch(Calls calls, CallSettings settings, WatchOptions options) {
    this.calls = calls;
    this.settings = settings;
    this.options = options;
    this.progress =
        new WatchProgress(
            options.request(),
            settings.nanos(calls.usualTimeout()),
            options.giveUpAfter().toNanos(),
            System::nanoTime);
  }

  @Override
  public Iterator<WatchEvent> iterator() {
    return this;
  }

  /**
   * Waits for the next event.
   *
   * @return whether there is one; false after {@link #close}
   * @throws RolecallException for an error that a new stream cannot correct
   */
  @Override
  public boolean hasNext() {
    progress.callerContinues();
    while (next == null && !isClosed()) {
      try {
        next = event();
      } catch (ResyncRequiredException error) {
        throw error;
      } catch (RolecallException error) {
        resume(error);
      }
    }
    return next != null && !isClosed();
  }

  @Override
  public WatchEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    WatchEvent event = next;
    next = null;
    if (progress.continuesElsewhere(event)) {
      leave();
    }
    return event;
  }

  @Override
  public void close() {
    closed.countDown();
    leave();
  }

  private WatchEvent event() {
    WatchRolesResponse message = current().next(SILENT_NANOS);
    if (message == null) {
      throw Errors.unavailable("the stream ended without an error");
    }
    return progress.event(message);
  }

  private OpenStream<WatchRolesRequest, WatchRolesResponse> current() {
    synchronized (lock) {
      if (isClosed()) {
        throw Errors.unavailable("the watch is closed");
      }
      if (stream == null) {
        progress.streamOpens();
        options.onOpen().run();
        stream = calls.open(WatchServiceGrpc.getWatchRolesMethod(), settings, false, AHEAD);
        stream.send(progress.request());
        stream.halfClose();
      }
      return stream;
    }
  }

  private void resume(RolecallException error) {
    leave();
    if (isClosed()) {
      return;
    }
    if (Thread.currentThread().isInterrupted()) {
      throw error;
    }
    long pause = progress.pauseAfter(error);
    options.onResume().accept(error);
    try {
      closed.await(pause, TimeUnit.NANOSECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw Errors.interrupted(interrupted);
    }
  }

  private void leave() {
    synchronized (lock) {
      if (stream != null) {
        stream.cancel();
        stream = null;
      }
    }
  }

  private boolean isClosed() {
    return closed.getCount() == 0;
  }
}
