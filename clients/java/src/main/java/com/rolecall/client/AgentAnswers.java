package com.rolecall.client;

import com.rolecall.v1.BatchCheckAssumeRoleResponse;
import com.rolecall.v1.StreamCheckAssumeRoleResponse;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Recognises what the agent cannot answer, so that the service is asked. */
final class AgentAnswers {
  private AgentAnswers() {}

  /** Returns whether a query of a response has the error of an agent that cannot answer it. */
  static boolean isUnavailable(Object response) {
    if (response instanceof StreamCheckAssumeRoleResponse one) {
      return one.hasError() && isUnavailable(one.getError().getCode());
    }
    return response instanceof BatchCheckAssumeRoleResponse many
        && many.getResultsList().stream()
            .anyMatch(result -> result.hasError() && isUnavailable(result.getError().getCode()));
  }

  /**
   * Returns whether the agent has no answer: it is away, it stops and cancels the call, or is slow.
   */
  static boolean isAway(Throwable error) {
    Throwable seen = error instanceof CompletionException wrapped ? wrapped.getCause() : error;
    return seen instanceof UnavailableException
        || seen instanceof DeadlineExceededException
        || seen instanceof RolecallException failed && failed.code() == Status.Code.CANCELLED;
  }

  /** Returns the answer of the agent, or of the service if the agent has none in time. */
  static <R> CompletableFuture<R> orElse(
      CompletableFuture<R> agent, Supplier<CompletableFuture<R>> service, BooleanSupplier isOver) {
    CompletableFuture<R> result = new CompletableFuture<>();
    cancelWith(result, agent);
    agent.whenComplete(
        (response, error) -> {
          if (error == null && !isUnavailable(response)) {
            result.complete(response);
          } else if (error != null && (!isAway(error) || isOver.getAsBoolean())) {
            result.completeExceptionally(error);
          } else if (!result.isDone()) {
            pass(service.get(), result);
          }
        });
    return result;
  }

  private static <R> void pass(CompletableFuture<R> from, CompletableFuture<R> to) {
    cancelWith(to, from);
    from.whenComplete(
        (response, error) -> {
          if (error == null) {
            to.complete(response);
          } else {
            to.completeExceptionally(error);
          }
        });
  }

  private static void cancelWith(CompletableFuture<?> result, CompletableFuture<?> other) {
    result.whenComplete(
        (response, error) -> {
          if (result.isCancelled()) {
            other.cancel(true);
          }
        });
  }

  private static boolean isUnavailable(int code) {
    return code == Status.Code.UNAVAILABLE.value();
  }
}
