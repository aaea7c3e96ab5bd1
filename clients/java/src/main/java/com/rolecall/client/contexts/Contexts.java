package com.rolecall.client.contexts;

import com.rolecall.client.ConnectionSettings;
import com.rolecall.client.FileToken;
import com.rolecall.client.ServerAddress;
import com.rolecall.client.TlsFiles;
import com.rolecall.client.TokenSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** Settings from the environment, and from the file of contexts that the command line shares. */
public final class Contexts {
  private Contexts() {}

  /**
   * Returns what the {@code ROLECALL_} variables say, over the context of {@code ROLECALL_CONTEXT}
   * or the current one, over the defaults. The current context is not used if {@code
   * ROLECALL_ADDRESS} names a server: its token and its certificates are for its own.
   *
   * @param env the environment
   * @return the settings
   * @throws IllegalArgumentException for variables that cannot be used
   * @throws ContextsException for the file of contexts
   */
  public static ConnectionSettings settingsFromEnv(Map<String, String> env) {
    Variables given = Variables.of(env);
    ServerContext context = null;
    if (given.context() != null || given.address() == null) {
      ContextsFile file = ContextsFile.read(env);
      if (given.context() != null) {
        context = named(file, env, given.context(), Variables.CONTEXT);
      } else if (file != null && !file.current().isEmpty()) {
        context = file.context(file.current());
      }
    }
    return settings(given, context);
  }

  /**
   * Returns the settings of a context, whatever other variables say.
   *
   * @param name the name of the context
   * @param env the environment, which only says where the file of contexts is
   * @return the settings
   * @throws ContextsException if there is no such context, or the file cannot be used
   */
  public static ConnectionSettings settingsOf(String name, Map<String, String> env) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("the name of the context is empty");
    }
    ContextsFile file = ContextsFile.read(env);
    return settings(Variables.of(Map.of()), named(file, env, name, "the program"));
  }

  private static ServerContext named(
      ContextsFile file, Map<String, String> env, String name, String source) {
    if (file == null) {
      throw ContextsException.in(
          ContextsFile.locate(env),
          source + " names " + Texts.quoted(name) + ", and this file does not exist",
          "create it");
    }
    return file.context(name);
  }

  private static ConnectionSettings settings(Variables given, ServerContext context) {
    String address = given.address();
    String agent = given.agent();
    TokenSource token = given.tokenFile() == null ? null : new FileToken(given.tokenFile());
    Duration timeout = given.timeout();
    if (context != null) {
      address = address == null ? context.address() : address;
      agent = agent == null ? context.agent() : agent;
      token = token == null && context.token() != null ? context.token().source() : token;
      timeout = timeout == null ? context.timeout() : timeout;
    }
    return new ConnectionSettings(
        address == null ? ConnectionSettings.DEFAULT_ADDRESS : ServerAddress.target(address),
        agent,
        tls(given, context == null ? null : context.tls()),
        token,
        timeout == null ? ConnectionSettings.DEFAULT_TIMEOUT : timeout);
  }

  private static TlsFiles tls(Variables given, TlsFiles own) {
    Path ca = given.tlsCa() != null ? given.tlsCa() : own == null ? null : own.ca();
    if (ca == null) {
      return null;
    }
    TlsFiles files = TlsFiles.of(ca);
    if (given.tlsCert() != null) {
      files = files.withClient(given.tlsCert(), given.tlsKey());
    } else if (own != null && own.cert() != null) {
      files = files.withClient(own.cert(), own.key());
    }
    return own == null ? files : files.withServerName(own.serverName());
  }
}
