package com.rolecall.client;

import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The threads of one client: one that reads and writes its connections, and those that run
 * callbacks. They end when the client is closed.
 */
final class ClientThreads {
  private static final long IDLE_SECONDS = 10;

  // Its own threads, and not those that gRPC shares between channels: these end a second later.
  private final EventLoopGroup connections =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("rolecall-connections", true), NioIoHandler.newFactory());
  private final ThreadPoolExecutor callbacks =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          new DefaultThreadFactory("rolecall-callbacks", true),
          // Only after the end of the client: what is left is small, and is done at once.
          (task, executor) -> task.run());

  EventLoopGroup connections() {
    return connections;
  }

  ExecutorService callbacks() {
    return callbacks;
  }

  /** Ends the threads, and waits for them unless one of them asks for it. */
  void close(long waitNanos) {
    long deadline = System.nanoTime() + waitNanos;
    callbacks.shutdown();
    connections.shutdownGracefully(0, waitNanos, TimeUnit.NANOSECONDS);
    if (isOwnThread()) {
      return;
    }
    try {
      connections.awaitTermination(left(deadline), TimeUnit.NANOSECONDS);
      callbacks.awaitTermination(left(deadline), TimeUnit.NANOSECONDS);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  static boolean isOwnThread() {
    return Thread.currentThread().getName().startsWith("rolecall-");
  }

  private static long left(long deadline) {
    return Math.max(0, deadline - System.nanoTime());
  }
}
