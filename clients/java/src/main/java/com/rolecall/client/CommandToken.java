package com.rolecall.client;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The token that a command prints. It is used until a minute before it expires, or for a minute.
 *
 * <p>The command is a list of arguments: no shell reads it. It may take ten seconds, and is started
 * once a second at most, whatever it returns; its standard error is that of this process.
 */
public final class CommandToken implements RenewedToken {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long EARLY_SECONDS = 60;
  private static final double DEFAULT_LIFE_SECONDS = 60;
  private static final double MOST_LIFE_SECONDS = 86_400;
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final List<String> command;
  private final Duration timeout;
  private final LongSupplier clock;
  private volatile Outcome outcome;

  /** What a command gave: a token, or an error, until a time. */
  private record Outcome(String token, TokenException error, long startedAt, long until) {
    String get() {
      if (error != null) {
        throw error;
      }
      return token;
    }
  }

  /**
   * Makes a source for a command, which is started with the first call.
   *
   * @param command the program, then its arguments
   */
  public CommandToken(List<String> command) {
    this(command, TIMEOUT, System::nanoTime);
  }

  CommandToken(List<String> command, Duration timeout, LongSupplier clock) {
    if (command.isEmpty()) {
      throw new IllegalArgumentException(
          "a token command is a list: the program, then its arguments");
    }
    this.command = List.copyOf(command);
    this.timeout = timeout;
    this.clock = clock;
  }

  @Override
  public String token() {
    String token = ready();
    return token != null ? token : renewed();
  }

  @Override
  public String ready() {
    Outcome last = outcome;
    return last == null || clock.getAsLong() - last.until >= 0 ? null : last.get();
  }

  @Override
  public void refused() {
    Outcome last = outcome;
    if (last != null && last.token != null) {
      long until = Math.min(last.until - last.startedAt, SECOND) + last.startedAt;
      outcome = new Outcome(last.token, null, last.startedAt, until);
    }
  }

  /** Starts the command. Other threads wait here, and find what it gave. */
  private synchronized String renewed() {
    String token = ready();
    if (token != null) {
      return token;
    }
    outcome = run();
    return outcome.get();
  }

  private Outcome run() {
    long startedAt = clock.getAsLong();
    String name = "the token command `" + command.get(0) + "`";
    try {
      byte[] output = SecretCommand.output(command, name, TokenText.MAX_BYTES, timeout);
      String token = TokenText.of(output, name);
      return new Outcome(token, null, startedAt, clock.getAsLong() + lifeOf(token));
    } catch (TokenException error) {
      return new Outcome(null, error, startedAt, clock.getAsLong() + SECOND);
    }
  }

  private static long lifeOf(String token) {
    Double expires = TokenExpiry.of(token);
    double seconds =
        expires == null
            ? DEFAULT_LIFE_SECONDS
            : Math.min(
                expires - System.currentTimeMillis() / 1_000.0 - EARLY_SECONDS, MOST_LIFE_SECONDS);
    return (long) (Math.max(1, seconds) * SECOND);
  }
}
