package com.rolecall.client;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * An open stream, whose messages one thread reads. It ends with an error, with cancel, or whole.
 */
final class OpenStream<Q, R> {
  private final ClientCall<Q, R> call;
  private final ServiceChannel replaceable;
  private final UnaryOperator<RolecallException> seen;
  private final BlockingQueue<Object> received = new LinkedBlockingQueue<>();
  private final Runnable replace = this::replace;
  private volatile boolean replaced;
  private boolean cancelled;
  private Ended ended;

  private record Ended(Status status, Metadata trailers) {}

  private OpenStream(
      ClientCall<Q, R> call, ServiceChannel replaceable, UnaryOperator<RolecallException> seen) {
    this.call = call;
    this.replaceable = replaceable;
    this.seen = seen;
  }

  /**
   * Starts a stream, of which at most {@code ahead} messages are received before they are read.
   * {@code replaceable} is the channel that may be replaced, or null.
   */
  static <Q, R> OpenStream<Q, R> start(
      ClientCall<Q, R> call,
      ServiceChannel replaceable,
      UnaryOperator<RolecallException> seen,
      int ahead) {
    OpenStream<Q, R> stream = new OpenStream<>(call, replaceable, seen);
    if (replaceable != null) {
      replaceable.addStream(stream.replace);
    }
    call.start(stream.new Received(), new Metadata());
    call.request(ahead);
    return stream;
  }

  // Another thread may cancel the call, after which gRPC refuses to send.

  synchronized void send(Q message) {
    if (!cancelled) {
      call.sendMessage(message);
    }
  }

  synchronized void halfClose() {
    if (!cancelled) {
      call.halfClose();
    }
  }

  /** Ends the stream. */
  void cancel() {
    release();
    synchronized (this) {
      cancelled = true;
      call.cancel("the client has ended the stream", null);
    }
  }

  /**
   * Returns the next message; null when the stream has ended without an error. Throws {@link
   * RolecallException}, that of an unavailable server if nothing arrives in time.
   */
  R next(long nanos) {
    if (ended == null) {
      Object item = await(nanos);
      if (item instanceof Ended end) {
        ended = end;
        release();
      } else {
        call.request(1);
        @SuppressWarnings("unchecked")
        R message = (R) item;
        return message;
      }
    }
    if (ended.status.isOk()) {
      return null;
    }
    if (replaced) {
      throw Errors.unavailable("the TLS files have changed; open the stream again");
    }
    throw seen.apply(Errors.of(ended.status, ended.trailers, null));
  }

  private Object await(long nanos) {
    try {
      Object item = received.poll(nanos, TimeUnit.NANOSECONDS);
      if (item == null) {
        cancel();
        throw Errors.unavailable(
            "no message has arrived for %s seconds".formatted(nanos / 1_000_000 / 1_000.0));
      }
      return item;
    } catch (InterruptedException error) {
      cancel();
      Thread.currentThread().interrupt();
      throw Errors.interrupted(error);
    }
  }

  private void replace() {
    replaced = true;
    cancel();
  }

  private void release() {
    if (replaceable != null) {
      replaceable.removeStream(replace);
    }
  }

  private final class Received extends ClientCall.Listener<R> {
    @Override
    public void onMessage(R message) {
      received.add(message);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      received.add(new Ended(status, trailers));
    }
  }
}
