package com.rolecall.client;

import java.time.Duration;
import java.util.Objects;

/**
 * One service: its address, how it is trusted, and how the client identifies itself.
 *
 * @param address the address of the service
 * @param agent the socket of an agent on this node ({@code unix:PATH}); null: none
 * @param tls the TLS files; null: no TLS
 * @param token the source of the token; null: none is sent
 * @param timeout the time limit of each call with its retries
 */
public record ConnectionSettings(
    String address, String agent, TlsFiles tls, TokenSource token, Duration timeout) {
  /** The address that is used if nothing names another one. */
  public static final String DEFAULT_ADDRESS = "127.0.0.1:50051";

  /** The time limit of a call that has no other. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

  /**
   * Checks the settings.
   *
   * @param address the address of the service
   * @param agent the socket of an agent; null: none
   * @param tls the TLS files; null: no TLS
   * @param token the source of the token; null: none is sent
   * @param timeout the time limit of each call
   * @throws IllegalArgumentException for what contradicts itself, or would send a token in plain
   *     text to another machine
   */
  public ConnectionSettings {
    Objects.requireNonNull(address, "address");
    ServerAddress.target(address);
    if (agent != null) {
      agent = ServerAddress.agent(agent);
    }
    CallSettings.checked(timeout);
    if (token != null && tls == null && !ServerAddress.isThisMachine(address)) {
      throw new IllegalArgumentException(
          "a token is sent over TLS, or to this machine; give TLS files for `" + address + "`");
    }
  }
}
