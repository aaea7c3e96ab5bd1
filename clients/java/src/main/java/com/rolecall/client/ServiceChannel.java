package com.rolecall.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;

/**
 * The channel to the service, which is replaced when the TLS files change: calls in progress end on
 * the old one. The channels of gRPC read their files once.
 */
final class ServiceChannel extends Channel {
  private final ReloadingTls tls;
  private final Function<TlsMaterial, ManagedChannel> open;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final Set<Runnable> streams = new HashSet<>();
  private final List<ManagedChannel> replaced = new ArrayList<>();
  private volatile ManagedChannel current;

  /** Opens the channel. Without files, {@code tls} is null, and the channel is never replaced. */
  ServiceChannel(ReloadingTls tls, Function<TlsMaterial, ManagedChannel> open) {
    this.tls = tls;
    this.open = open;
    this.current = open.apply(tls == null ? null : tls.material());
  }

  @Override
  public String authority() {
    return current.authority();
  }

  @Override
  public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
    if (tls == null) {
      return current.newCall(method, options);
    }
    refresh();
    return new CallOnCurrent<>(method, options);
  }

  /**
   * Has {@code end} called when the channel is replaced: the owner of the stream opens it again.
   */
  void addStream(Runnable end) {
    synchronized (streams) {
      streams.add(end);
    }
  }

  void removeStream(Runnable end) {
    synchronized (streams) {
      streams.remove(end);
    }
  }

  /** Ends all calls, and waits for the connections unless a thread of the client asks for it. */
  void close(long waitNanos) {
    List<ManagedChannel> open = new ArrayList<>();
    lock.writeLock().lock();
    try {
      open.addAll(replaced);
      open.add(current);
      open.forEach(ManagedChannel::shutdownNow);
    } finally {
      lock.writeLock().unlock();
    }
    open.forEach(channel -> await(channel, waitNanos));
  }

  static void await(ManagedChannel channel, long waitNanos) {
    if (ClientThreads.isOwnThread()) {
      return;
    }
    try {
      channel.awaitTermination(waitNanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  private void refresh() {
    TlsMaterial material = tls.changed();
    if (material == null) {
      return;
    }
    lock.writeLock().lock();
    try {
      ManagedChannel old = current;
      if (old.isShutdown()) {
        return;
      }
      current = open.apply(material);
      replaced.removeIf(ManagedChannel::isTerminated);
      replaced.add(old);
      // Calls that have started end there; a call starts under the read lock.
      old.shutdown();
    } finally {
      lock.writeLock().unlock();
    }
    endStreams();
  }

  private void endStreams() {
    List<Runnable> ended;
    synchronized (streams) {
      ended = new ArrayList<>(streams);
      streams.clear();
    }
    ended.forEach(Runnable::run);
  }

  /** A call that chooses its channel when it starts, so that it never starts on a replaced one. */
  private final class CallOnCurrent<Q, R> extends ClientCall<Q, R> {
    private final MethodDescriptor<Q, R> method;
    private final CallOptions options;
    private ClientCall<Q, R> call;

    CallOnCurrent(MethodDescriptor<Q, R> method, CallOptions options) {
      this.method = method;
      this.options = options;
    }

    @Override
    public void start(Listener<R> listener, Metadata headers) {
      lock.readLock().lock();
      try {
        call = current.newCall(method, options);
        call.start(listener, headers);
      } finally {
        lock.readLock().unlock();
      }
    }

    @Override
    public void request(int messages) {
      call.request(messages);
    }

    @Override
    public void cancel(String message, Throwable cause) {
      if (call != null) {
        call.cancel(message, cause);
      }
    }

    @Override
    public void halfClose() {
      call.halfClose();
    }

    @Override
    public void sendMessage(Q message) {
      call.sendMessage(message);
    }

    @Override
    public boolean isReady() {
      return call.isReady();
    }

    @Override
    public void setMessageCompression(boolean enabled) {
      call.setMessageCompression(enabled);
    }
  }
}
