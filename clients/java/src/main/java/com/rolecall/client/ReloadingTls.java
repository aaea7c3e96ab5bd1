package com.rolecall.client;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Reads the TLS files, and again when one has changed: looked at once a second at most, when it is
 * asked for.
 */
final class ReloadingTls {
  private static final long CHECK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final System.Logger LOG = System.getLogger("com.rolecall.client");

  private final TlsFiles files;
  private final LongSupplier clock;
  private volatile long lookedAt;
  private List<FileVersion> versions;
  private TlsMaterial material;
  private String warned = "";

  ReloadingTls(TlsFiles files) {
    this(files, System::nanoTime);
  }

  ReloadingTls(TlsFiles files, LongSupplier clock) {
    this.files = files;
    this.clock = clock;
    this.lookedAt = clock.getAsLong();
    try {
      this.versions = currentVersions();
      this.material = TlsMaterial.read(files);
    } catch (IOException error) {
      throw new IllegalArgumentException(message(error), error);
    }
  }

  /** Returns the contents that are in use. */
  synchronized TlsMaterial material() {
    return material;
  }

  /**
   * Returns the new contents if a file has changed since they were last returned, and all files are
   * valid; else null.
   */
  TlsMaterial changed() {
    long now = clock.getAsLong();
    return now - lookedAt < CHECK_NANOS ? null : look(now);
  }

  private synchronized TlsMaterial look(long now) {
    if (now - lookedAt < CHECK_NANOS) {
      return null;
    }
    lookedAt = now;
    try {
      List<FileVersion> found = currentVersions();
      if (found.equals(versions)) {
        return null;
      }
      TlsMaterial read = TlsMaterial.read(files);
      versions = found;
      warned = "";
      if (read.isEqual(material)) {
        return null;
      }
      material = read;
      return read;
    } catch (IOException | IllegalArgumentException error) {
      warn(error instanceof IOException failed ? message(failed) : error.getMessage());
      return null;
    }
  }

  private void warn(String message) {
    // Files that are being replaced may not fit for a moment: the last valid ones are used.
    if (!message.equals(warned)) {
      warned = message;
      LOG.log(
          System.Logger.Level.WARNING,
          "the TLS files have changed and are not valid; the last valid ones are used: " + message);
    }
  }

  private List<FileVersion> currentVersions() throws IOException {
    List<FileVersion> found = new ArrayList<>();
    for (var path : files.paths().toList()) {
      found.add(FileVersion.of(path));
    }
    return found;
  }

  private static String message(IOException error) {
    String file =
        error instanceof java.nio.file.FileSystemException found ? found.getFile() : "a TLS file";
    return "`" + file + "` cannot be read: " + Reasons.of(error);
  }
}
