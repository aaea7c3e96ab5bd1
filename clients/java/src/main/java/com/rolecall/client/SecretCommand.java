package com.rolecall.client;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs a command that prints a secret: without a shell, for a limited time, and with a limited
 * output.
 */
final class SecretCommand {
  private SecretCommand() {}

  /** Returns what a command prints, at most {@code limit} bytes and one. */
  static byte[] output(List<String> command, String name, int limit, Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    Process process = start(command, name);
    try {
      byte[] output = read(process, name, limit, timeout, deadline);
      if (output.length <= limit) {
        requireSuccess(process, name, timeout, deadline);
      }
      return output;
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new TokenException(name + " was interrupted", error);
    } finally {
      end(process);
    }
  }

  private static Process start(List<String> command, String name) {
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      process.getOutputStream().close();
      return process;
    } catch (IOException error) {
      throw new TokenException(name + " cannot be started: " + error.getMessage(), error);
    }
  }

  private static byte[] read(
      Process process, String name, int limit, Duration timeout, long deadline)
      throws InterruptedException {
    CompletableFuture<byte[]> output = new CompletableFuture<>();
    // The pipe may stay open after the time limit, so another thread waits for it.
    Thread reader = new Thread(() -> complete(output, process.getInputStream(), limit));
    reader.setName("rolecall-token-command");
    reader.setDaemon(true);
    reader.start();
    try {
      return output.get(left(deadline), TimeUnit.NANOSECONDS);
    } catch (TimeoutException error) {
      throw late(name, timeout);
    } catch (ExecutionException error) {
      throw new TokenException(name + " cannot be read", error.getCause());
    }
  }

  private static void complete(CompletableFuture<byte[]> output, InputStream pipe, int limit) {
    try {
      output.complete(pipe.readNBytes(limit + 1));
    } catch (IOException error) {
      output.completeExceptionally(error);
    }
  }

  private static void requireSuccess(Process process, String name, Duration timeout, long deadline)
      throws InterruptedException {
    if (!process.waitFor(left(deadline), TimeUnit.NANOSECONDS)) {
      throw late(name, timeout);
    }
    if (process.exitValue() != 0) {
      throw new TokenException(name + " failed with exit code " + process.exitValue());
    }
  }

  /** Ends the command and all that it started, unless it has ended by itself. */
  private static void end(Process process) {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private static long left(long deadline) {
    return Math.max(0, deadline - System.nanoTime());
  }

  private static TokenException late(String name, Duration timeout) {
    double seconds = timeout.toMillis() / 1_000.0;
    return new TokenException("%s has not ended within %s seconds".formatted(name, seconds));
  }
}
