package com.rolecall.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** The channel to the agent of this node. A call fails at once while there is no agent. */
final class AgentChannel extends Channel {
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final ManagedChannel channel;
  private final AtomicLong triedAt = new AtomicLong(System.nanoTime());

  AgentChannel(ManagedChannel channel) {
    this.channel = channel;
  }

  @Override
  public String authority() {
    return channel.authority();
  }

  @Override
  public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
    // gRPC would wait up to two minutes before it looks for an agent that has been restarted.
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE && isTimeToTry()) {
      channel.resetConnectBackoff();
    }
    return channel.newCall(method, options);
  }

  void close(long waitNanos) {
    channel.shutdownNow();
    ServiceChannel.await(channel, waitNanos);
  }

  private boolean isTimeToTry() {
    long now = System.nanoTime();
    long last = triedAt.get();
    return now - last >= RETRY_NANOS && triedAt.compareAndSet(last, now);
  }
}
