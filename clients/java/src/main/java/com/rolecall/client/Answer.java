package com.rolecall.client;

import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** The answer to one request, which arrives later. */
final class Answer<R> implements StreamObserver<R> {
  private final CompletableFuture<R> response = new CompletableFuture<>();
  private final UnaryOperator<RolecallException> seen;
  private R value;

  Answer(UnaryOperator<RolecallException> seen) {
    this.seen = seen;
  }

  CompletableFuture<R> response() {
    return response;
  }

  @Override
  public void onNext(R message) {
    value = message;
  }

  @Override
  public void onError(Throwable error) {
    response.completeExceptionally(seen.apply(Errors.of(error)));
  }

  @Override
  public void onCompleted() {
    response.complete(value);
  }
}
