package com.rolecall.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Calls methods of the service, and those that the agent of the node answers there first. */
final class Calls {
  /** How long the agent may take, at most; else half of the time that is left. */
  static final long AGENT_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final ClientThreads threads;
  private final ServiceChannel service;
  private final AgentChannel agent;
  private final BearerCredentials credentials;
  private final Duration usualTimeout;
  private volatile boolean closed;

  /** {@code agent} and {@code credentials} may be null. */
  Calls(
      ClientThreads threads,
      ServiceChannel service,
      AgentChannel agent,
      BearerCredentials credentials,
      Duration usualTimeout) {
    this.threads = threads;
    this.service = service;
    this.agent = agent;
    this.credentials = credentials;
    this.usualTimeout = usualTimeout;
  }

  Duration usualTimeout() {
    return usualTimeout;
  }

  boolean hasAgent() {
    return agent != null;
  }

  void close() {
    if (closed) {
      return;
    }
    closed = true;
    service.close(CLOSE_NANOS);
    if (agent != null) {
      agent.close(CLOSE_NANOS);
    }
    threads.close(CLOSE_NANOS);
  }

  /** Returns the response of the service; throws {@link RolecallException}. */
  <Q, R> R call(MethodDescriptor<Q, R> method, Q request, CallSettings settings) {
    requireOpen();
    return blocking(service, method, request, settings, settings.nanos(usualTimeout));
  }

  /** Returns the response of the agent, or of the service if the agent cannot answer. */
  <Q, R> R callLocal(MethodDescriptor<Q, R> method, Q request, CallSettings settings) {
    if (agent == null) {
      return call(method, request, settings);
    }
    requireOpen();
    long nanos = settings.nanos(usualTimeout);
    long deadline = System.nanoTime() + nanos;
    try {
      R response = blocking(agent, method, request, settings, agentNanos(nanos));
      if (!AgentAnswers.isUnavailable(response)) {
        return response;
      }
    } catch (RolecallException error) {
      // The service has an answer where the agent has none, unless the caller wants none any more.
      boolean over = System.nanoTime() - deadline >= 0 || closed;
      if (over || !AgentAnswers.isAway(error) || Thread.currentThread().isInterrupted()) {
        throw error;
      }
    }
    return blocking(service, method, request, settings, deadline - System.nanoTime());
  }

  /** Does what {@link #call} does, without waiting. */
  <Q, R> CompletableFuture<R> callAsync(
      MethodDescriptor<Q, R> method, Q request, CallSettings settings) {
    return async(service, method, request, settings, settings.nanos(usualTimeout));
  }

  /** Does what {@link #callLocal} does, without waiting. */
  <Q, R> CompletableFuture<R> callLocalAsync(
      MethodDescriptor<Q, R> method, Q request, CallSettings settings) {
    long nanos = settings.nanos(usualTimeout);
    if (agent == null) {
      return async(service, method, request, settings, nanos);
    }
    long deadline = System.nanoTime() + nanos;
    return AgentAnswers.orElse(
        async(agent, method, request, settings, agentNanos(nanos)),
        () -> async(service, method, request, settings, deadline - System.nanoTime()),
        () -> System.nanoTime() - deadline >= 0 || closed);
  }

  /** Sends a stream of requests, whose iterator is read on a thread of the client. */
  <Q, R> CompletableFuture<R> upload(
      MethodDescriptor<Q, R> method, Iterator<Q> requests, CallSettings settings, Duration usual) {
    if (closed) {
      return CompletableFuture.failedFuture(Errors.closed());
    }
    ClientCall<Q, R> call = newCall(service, method, settings, settings.nanos(usual));
    Upload<Q, R> upload = new Upload<>(requests, this::seen);
    ClientCalls.asyncClientStreamingCall(call, upload);
    return cancelling(upload.response(), call);
  }

  /** Opens a stream without a time limit, to the agent or to the service. */
  <Q, R> OpenStream<Q, R> open(
      MethodDescriptor<Q, R> method, CallSettings settings, boolean atAgent, int ahead) {
    requireOpen();
    Channel channel = atAgent ? agent : service;
    ClientCall<Q, R> call = withMetadata(channel, settings.metadata()).newCall(method, options());
    return OpenStream.start(call, atAgent ? null : service, this::seen, ahead);
  }

  /** Returns the exception of a failed call, and has a token that was refused renewed. */
  RolecallException seen(RolecallException error) {
    if (closed && error.code() == Status.Code.UNAVAILABLE) {
      return Errors.closed();
    }
    if (error.code() == Status.Code.UNAUTHENTICATED
        && credentials != null
        && !(error instanceof TokenException)) {
      credentials.refused();
    }
    return error;
  }

  private void requireOpen() {
    if (closed) {
      throw Errors.closed();
    }
  }

  private <Q, R> R blocking(
      Channel channel,
      MethodDescriptor<Q, R> method,
      Q request,
      CallSettings settings,
      long nanos) {
    try {
      return ClientCalls.blockingUnaryCall(
          withMetadata(channel, settings.metadata()), method, withDeadline(nanos), request);
    } catch (RuntimeException error) {
      throw seen(Errors.of(error));
    }
  }

  private <Q, R> CompletableFuture<R> async(
      Channel channel,
      MethodDescriptor<Q, R> method,
      Q request,
      CallSettings settings,
      long nanos) {
    if (closed) {
      return CompletableFuture.failedFuture(Errors.closed());
    }
    ClientCall<Q, R> call = newCall(channel, method, settings, nanos);
    Answer<R> answer = new Answer<>(this::seen);
    ClientCalls.asyncUnaryCall(call, request, answer);
    return cancelling(answer.response(), call);
  }

  /** Has the call cancelled with its response. */
  private static <R> CompletableFuture<R> cancelling(
      CompletableFuture<R> response, ClientCall<?, ?> call) {
    response.whenComplete(
        (value, error) -> {
          if (response.isCancelled()) {
            call.cancel("the caller has cancelled the call", null);
          }
        });
    return response;
  }

  private <Q, R> ClientCall<Q, R> newCall(
      Channel channel, MethodDescriptor<Q, R> method, CallSettings settings, long nanos) {
    return withMetadata(channel, settings.metadata()).newCall(method, withDeadline(nanos));
  }

  private CallOptions withDeadline(long nanos) {
    return options().withDeadline(Deadline.after(nanos, TimeUnit.NANOSECONDS));
  }

  private CallOptions options() {
    return credentials == null
        ? CallOptions.DEFAULT
        : CallOptions.DEFAULT.withCallCredentials(credentials);
  }

  private static Channel withMetadata(Channel channel, Metadata metadata) {
    return metadata.keys().isEmpty()
        ? channel
        : ClientInterceptors.intercept(
            channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  private static long agentNanos(long nanos) {
    return Math.min(AGENT_NANOS, nanos / 2);
  }
}
