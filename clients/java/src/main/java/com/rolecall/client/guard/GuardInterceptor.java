package com.rolecall.client.guard;

import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Guards a server of gRPC: a call reaches its method only if the guard lets it pass.
 *
 * <pre>{@code
 * Grpc.newServerBuilderForPort(port, credentials)
 *     .addService(orders)
 *     .intercept(new GuardInterceptor(guard))
 * }</pre>
 *
 * <p>It must be the outermost interceptor: of those that {@code intercept} adds to a server, the
 * last one. Those outside of it see calls that may be refused. A refused call ends before its
 * method runs, with PERMISSION_DENIED, UNAUTHENTICATED or UNAVAILABLE. No thread waits for the
 * decision. Require client certificates where callers are known by them.
 */
public final class GuardInterceptor implements ServerInterceptor {
  private static final Status FAILED =
      Status.UNAVAILABLE.withDescription("whether the caller is allowed could not be decided");

  private final Guard guard;

  /**
   * Makes the interceptor.
   *
   * @param guard the guard
   */
  public GuardInterceptor(Guard guard) {
    this.guard = guard;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    CompletableFuture<Optional<GuardDecision>> refusal = refusal(call, headers);
    DeferredListener<Q> listener = new DeferredListener<>();
    Context context = Context.current();
    refusal.whenComplete(
        (refused, error) -> {
          if (error != null) {
            call.close(FAILED, new Metadata());
          } else if (refused.isPresent()) {
            StatusException status = GuardRefusal.of(refused.get());
            call.close(status.getStatus(), status.getTrailers());
          } else if (!call.isCancelled()) {
            context.run(() -> start(call, headers, next, listener));
          }
        });
    return listener;
  }

  private <Q, R> CompletableFuture<Optional<GuardDecision>> refusal(
      ServerCall<Q, R> call, Metadata headers) {
    String method = "/" + call.getMethodDescriptor().getFullMethodName();
    PeerFacts peer = PeerFacts.of(call.getAttributes(), headers);
    Deadline deadline = Context.current().getDeadline();
    Duration left =
        deadline == null ? null : Duration.ofNanos(deadline.timeRemaining(TimeUnit.NANOSECONDS));
    // The question must not end with the call: an observing guard asks beside it.
    Context detached = Context.current().fork();
    Context previous = detached.attach();
    try {
      return guard.refusal(method, peer, left);
    } finally {
      detached.detach(previous);
    }
  }

  private static <Q, R> void start(
      ServerCall<Q, R> call,
      Metadata headers,
      ServerCallHandler<Q, R> next,
      DeferredListener<Q> listener) {
    try {
      listener.start(next.startCall(call, headers));
    } catch (RuntimeException error) {
      // gRPC closes a call so whose method throws in a thread of its own.
      call.close(
          Status.UNKNOWN.withDescription("the method failed").withCause(error), new Metadata());
      throw error;
    }
  }
}
