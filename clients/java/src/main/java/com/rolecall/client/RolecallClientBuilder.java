package com.rolecall.client;

import io.grpc.ManagedChannel;
import java.time.Duration;

/** The parts of a client: {@link RolecallClient#builder}. */
public final class RolecallClientBuilder {
  private final String address;
  private String agent;
  private TlsFiles tls;
  private TokenSource token;
  private Duration timeout = ConnectionSettings.DEFAULT_TIMEOUT;

  RolecallClientBuilder(String address) {
    this.address = address;
  }

  static RolecallClientBuilder of(ConnectionSettings settings) {
    return new RolecallClientBuilder(settings.address())
        .agent(settings.agent())
        .tls(settings.tls())
        .token(settings.token())
        .timeout(settings.timeout());
  }

  /**
   * Has checks, batches and streams answered by the agent of this node, if it can. The service is
   * asked when the agent is unavailable or has no answer within a second (or half of the time that
   * is left); every other error of the agent is the answer.
   *
   * @param address the socket of the agent, {@code unix:PATH}; null: none
   * @return this
   */
  public RolecallClientBuilder agent(String address) {
    this.agent = address;
    return this;
  }

  /**
   * Turns on TLS.
   *
   * @param files the files, which are read again when they change; null: no TLS
   * @return this
   */
  public RolecallClientBuilder tls(TlsFiles files) {
    this.tls = files;
    return this;
  }

  /**
   * Sends a token with each call. It is sent over TLS, or to this machine.
   *
   * @param text the token
   * @return this
   */
  public RolecallClientBuilder token(String text) {
    return token(new BearerCredentials.Fixed(text));
  }

  /**
   * Sends a token with each call. It is sent over TLS, or to this machine.
   *
   * @param source the source of the token; null: none is sent
   * @return this
   */
  public RolecallClientBuilder token(TokenSource source) {
    this.token = source;
    return this;
  }

  /**
   * Sets the time limit of each call with its retries; 10 seconds by default.
   *
   * @param limit the time limit
   * @return this
   */
  public RolecallClientBuilder timeout(Duration limit) {
    this.timeout = limit;
    return this;
  }

  /**
   * Returns the client. It connects with its first call.
   *
   * @return the client, which must be closed
   * @throws IllegalArgumentException for settings that contradict themselves, and for files that
   *     cannot be used
   */
  public RolecallClient build() {
    ConnectionSettings settings = new ConnectionSettings(address, agent, tls, token, timeout);
    ReloadingTls files = tls == null ? null : new ReloadingTls(tls);
    ClientThreads threads = new ClientThreads();
    try {
      BearerCredentials credentials =
          token == null ? null : new BearerCredentials(token, threads.callbacks());
      String target = ServerAddress.target(settings.address());
      String serverName = tls == null ? null : tls.serverName();
      ServiceChannel service =
          new ServiceChannel(
              files, material -> Channels.service(target, material, serverName, threads));
      Calls calls =
          new Calls(threads, service, agentChannel(settings, threads), credentials, timeout);
      return new RolecallClient(calls, CallSettings.NONE);
    } catch (RuntimeException error) {
      threads.close(0);
      throw error;
    }
  }

  private static AgentChannel agentChannel(ConnectionSettings settings, ClientThreads threads) {
    if (settings.agent() == null) {
      return null;
    }
    ManagedChannel channel = Channels.agent(settings.agent(), threads);
    return new AgentChannel(channel);
  }
}
