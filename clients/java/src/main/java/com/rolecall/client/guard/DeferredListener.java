package com.rolecall.client.guard;

import io.grpc.ServerCall;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.Consumer;

/**
 * Keeps the events of a call until its method starts, and then delivers them one after the other.
 */
final class DeferredListener<Q> extends ServerCall.Listener<Q> {
  private final Queue<Consumer<ServerCall.Listener<Q>>> events = new ArrayDeque<>();
  private ServerCall.Listener<Q> method;
  private boolean delivering;

  /** Starts to deliver events. */
  void start(ServerCall.Listener<Q> started) {
    synchronized (this) {
      method = started;
    }
    deliver();
  }

  @Override
  public void onMessage(Q message) {
    add(listener -> listener.onMessage(message));
  }

  @Override
  public void onHalfClose() {
    add(ServerCall.Listener::onHalfClose);
  }

  @Override
  public void onCancel() {
    add(ServerCall.Listener::onCancel);
  }

  @Override
  public void onComplete() {
    add(ServerCall.Listener::onComplete);
  }

  @Override
  public void onReady() {
    add(ServerCall.Listener::onReady);
  }

  private void add(Consumer<ServerCall.Listener<Q>> event) {
    synchronized (this) {
      events.add(event);
    }
    deliver();
  }

  private void deliver() {
    while (true) {
      Consumer<ServerCall.Listener<Q>> event;
      synchronized (this) {
        // Events of one call never overlap: another thread that delivers sees this one, too.
        if (method == null || delivering || events.isEmpty()) {
          return;
        }
        event = events.remove();
        delivering = true;
      }
      try {
        event.accept(method);
      } finally {
        synchronized (this) {
          delivering = false;
        }
      }
    }
  }
}
