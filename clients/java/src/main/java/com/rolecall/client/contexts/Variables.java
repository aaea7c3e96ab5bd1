package com.rolecall.client.contexts;

import com.rolecall.client.ServerAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * What the environment says about a connection; null for what it does not say. An empty variable is
 * one that is not set.
 */
record Variables(
    String address,
    String agent,
    Path tlsCa,
    Path tlsCert,
    Path tlsKey,
    Path tokenFile,
    Duration timeout,
    String context) {
  static final String CONTEXT = "ROLECALL_CONTEXT";

  private static final String TLS_CERT = "ROLECALL_TLS_CERT";
  private static final String TLS_KEY = "ROLECALL_TLS_KEY";
  private static final String TIMEOUT = "ROLECALL_TIMEOUT";
  private static final Pattern NUMBER = Pattern.compile("[0-9.eE+-]+");

  static Variables of(Map<String, String> env) {
    Path ca = path(env, "ROLECALL_TLS_CA");
    // A server has settings with the names of the other two. They count only beside that of the CA,
    // which only a client has: else the certificate of a server would be sent.
    Path cert = ca == null ? null : path(env, TLS_CERT);
    Path key = ca == null ? null : path(env, TLS_KEY);
    if ((cert == null) != (key == null)) {
      throw new IllegalArgumentException(TLS_CERT + " and " + TLS_KEY + " must be given together");
    }
    return new Variables(
        checked(env, "ROLECALL_ADDRESS", ServerAddress::target),
        checked(env, "ROLECALL_AGENT", ServerAddress::agent),
        ca,
        cert,
        key,
        path(env, "ROLECALL_TOKEN_FILE"),
        seconds(text(env, TIMEOUT)),
        text(env, CONTEXT));
  }

  private static String text(Map<String, String> env, String name) {
    String text = env.getOrDefault(name, "");
    return text.isEmpty() ? null : text;
  }

  private static Path path(Map<String, String> env, String name) {
    String text = text(env, name);
    return text == null ? null : ContextsFile.expanded(text);
  }

  private static String checked(Map<String, String> env, String name, UnaryOperator<String> read) {
    String text = text(env, name);
    try {
      return text == null ? null : read.apply(text);
    } catch (IllegalArgumentException error) {
      throw new IllegalArgumentException(name + ": " + error.getMessage(), error);
    }
  }

  private static Duration seconds(String text) {
    if (text == null) {
      return null;
    }
    double seconds;
    try {
      // Java would take `3d` and hexadecimal numbers, too.
      seconds = NUMBER.matcher(text).matches() ? Double.parseDouble(text) : 0;
    } catch (NumberFormatException error) {
      seconds = 0;
    }
    if (!(0 < seconds && seconds <= Limits.TIMEOUT_SECONDS)) {
      throw new IllegalArgumentException(
          "%s is %s; write a number of seconds up to %s"
              .formatted(TIMEOUT, Texts.quoted(text), Limits.shown(Limits.TIMEOUT_SECONDS)));
    }
    return Duration.ofNanos(Math.max(1, Math.round(seconds * 1e9)));
  }
}
