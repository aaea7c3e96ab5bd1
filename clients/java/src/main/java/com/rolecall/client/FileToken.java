package com.rolecall.client;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The token in a file. The file is looked at once a second at most, on a call, and read when it has
 * changed. While it cannot be read, the last token is used for ten seconds. A token has at most 16
 * KiB.
 */
public final class FileToken implements RenewedToken {
  private static final long CHECK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long UNREADABLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Path path;
  private final LongSupplier clock;
  private volatile Seen seen;
  private FileVersion version;

  /** A token, and when it was read and looked at. */
  private record Seen(String token, long lookedAt, long readAt) {}

  /**
   * Makes a source for a file, which is read with the first call.
   *
   * @param path the file
   */
  public FileToken(Path path) {
    this(path, System::nanoTime);
  }

  FileToken(Path path, LongSupplier clock) {
    this.path = path;
    this.clock = clock;
  }

  @Override
  public String token() {
    long now = clock.getAsLong();
    Seen last = seen;
    return last != null && now - last.lookedAt < CHECK_NANOS ? last.token : current(now);
  }

  @Override
  public String ready() {
    return token();
  }

  @Override
  public void refused() {
    Seen last = seen;
    if (last != null) {
      seen = new Seen(last.token, clock.getAsLong() - CHECK_NANOS, last.readAt);
    }
  }

  private synchronized String current(long now) {
    try {
      FileVersion found = FileVersion.of(path);
      String token = seen != null && found.equals(version) ? seen.token : read();
      version = found;
      seen = new Seen(token, now, now);
      return token;
    } catch (IOException error) {
      return last(now, new TokenException(name() + " cannot be read: " + Reasons.of(error), error));
    } catch (TokenException error) {
      return last(now, error);
    }
  }

  private String last(long now, TokenException error) {
    if (seen == null || now - seen.readAt >= UNREADABLE_NANOS) {
      throw error;
    }
    return seen.token;
  }

  private String read() throws IOException {
    try (InputStream file = Files.newInputStream(path)) {
      return TokenText.of(file.readNBytes(TokenText.MAX_BYTES + 1), name());
    }
  }

  private String name() {
    return "the token file `" + path + "`";
  }
}
