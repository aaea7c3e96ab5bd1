package com.rolecall.client.conformance;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Threads of the interpreter, and waiting for them with a deadline. */
final class Waiting {
  private static final long LONGEST_SECONDS = 120;

  private Waiting() {}

  static <T> CompletableFuture<T> start(Supplier<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                result.complete(work.get());
              } catch (Throwable error) {
                result.completeExceptionally(error);
              }
            },
            "conformance-caller");
    thread.setDaemon(true);
    thread.start();
    return result;
  }

  static <T> T result(CompletableFuture<T> running) {
    try {
      return running.get(LONGEST_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException error) {
      throw new AssertionError(error.getCause());
    } catch (InterruptedException | TimeoutException error) {
      throw new AssertionError(error);
    }
  }

  /** Waits until something has ended, in whatever way. */
  static void ended(CompletableFuture<?> running) {
    until(running::isDone);
  }

  static void until(BooleanSupplier condition) {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(LONGEST_SECONDS);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > until) {
        throw new AssertionError("it does not happen");
      }
      shortly();
    }
  }

  static void shortly() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException error) {
      throw new AssertionError(error);
    }
  }
}
