package com.rolecall.client;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * Sends the requests of an iterator as fast as the server takes them, and receives one response.
 */
final class Upload<Q, R> implements ClientResponseObserver<Q, R> {
  private final Iterator<Q> requests;
  private final Answer<R> answer;
  private boolean sent;

  Upload(Iterator<Q> requests, UnaryOperator<RolecallException> seen) {
    this.requests = requests;
    this.answer = new Answer<>(seen);
  }

  CompletableFuture<R> response() {
    return answer.response();
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> call) {
    call.setOnReadyHandler(() -> send(call));
  }

  @Override
  public void onNext(R message) {
    answer.onNext(message);
  }

  @Override
  public void onError(Throwable error) {
    answer.onError(error);
  }

  @Override
  public void onCompleted() {
    answer.onCompleted();
  }

  private void send(ClientCallStreamObserver<Q> call) {
    try {
      while (!sent && call.isReady()) {
        if (requests.hasNext()) {
          call.onNext(requests.next());
        } else {
          sent = true;
          call.onCompleted();
        }
      }
    } catch (RuntimeException error) {
      // An iterator that fails must not end in a write of what it gave before.
      sent = true;
      answer.response().completeExceptionally(error);
      call.cancel("the requests could not be read", error);
    }
  }
}
