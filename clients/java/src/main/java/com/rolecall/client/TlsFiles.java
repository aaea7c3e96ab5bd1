package com.rolecall.client;

import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * PEM files of a client. They are read again when they change.
 *
 * @param ca the certificates that verify the server
 * @param cert the client's own certificate; null if it has none
 * @param key the key of {@code cert}, without a password; null if it has none
 * @param serverName the name in the server's certificate, if the address does not have it; else
 *     null
 */
public record TlsFiles(Path ca, Path cert, Path key, String serverName) {
  /**
   * Checks that the files belong together.
   *
   * @param ca the certificates that verify the server
   * @param cert the client's own certificate, or null
   * @param key the key of {@code cert}, or null
   * @param serverName the name in the server's certificate, or null
   * @throws IllegalArgumentException if there is a certificate without its key, or a key alone
   */
  public TlsFiles {
    Objects.requireNonNull(ca, "ca");
    if ((cert == null) != (key == null)) {
      throw new IllegalArgumentException("a client certificate and its key are given together");
    }
  }

  /**
   * Returns files that verify the server.
   *
   * @param ca the certificates that verify it
   * @return the files
   */
  public static TlsFiles of(Path ca) {
    return new TlsFiles(ca, null, null, null);
  }

  /**
   * Returns these files with a certificate of the client.
   *
   * @param certificate the certificate, with its chain
   * @param privateKey its key
   * @return the files
   */
  public TlsFiles withClient(Path certificate, Path privateKey) {
    return new TlsFiles(ca, certificate, privateKey, serverName);
  }

  /**
   * Returns these files with the name that the certificate of the server has.
   *
   * @param name the name
   * @return the files
   */
  public TlsFiles withServerName(String name) {
    return new TlsFiles(ca, cert, key, name);
  }

  Stream<Path> paths() {
    return Stream.of(ca, cert, key).filter(Objects::nonNull);
  }
}
