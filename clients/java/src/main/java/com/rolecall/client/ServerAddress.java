package com.rolecall.client;

import io.grpc.netty.shaded.io.netty.util.NetUtil;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Addresses of a service: {@code HOST:PORT}, where the port may be missing, or a target of gRPC.
 */
public final class ServerAddress {
  /** The port of an address without one. */
  public static final int DEFAULT_PORT = 50051;

  static final String UNIX = "unix:";
  static final List<String> VERBATIM = List.of(UNIX, "unix-abstract:", "ipv4:", "ipv6:");

  /** Hosts that gRPC would read as the scheme of a target, before a port. */
  private static final Set<String> SCHEMES =
      Set.of("dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds");

  private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*)://");
  private static final Pattern DNS = Pattern.compile("(dns:(?://[^/]*/)?)(.*)", Pattern.DOTALL);
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("(\\[[^\\[\\]/]+\\]|[^\\[\\]:/?#@]+)(?::(.*))?", Pattern.DOTALL);
  private static final Pattern PORT = Pattern.compile("[0-9]{1,5}");
  private static final Pattern THIS_MACHINE =
      Pattern.compile("(localhost|127(\\.[0-9]{1,3}){3}|\\[::1\\])(:[0-9]+)?|unix:.*");

  private ServerAddress() {}

  /**
   * Returns the gRPC target of an address: {@code HOST:PORT}, {@code HOST} (port 50051), {@code
   * dns:///HOST:PORT} or {@code unix:PATH}.
   *
   * @param address the address
   * @return the target
   * @throws IllegalArgumentException for a scheme such as {@code http://}, and for a text that is
   *     no address
   */
  public static String target(String address) {
    if (address.isEmpty() || address.chars().anyMatch(ServerAddress::isSpace)) {
      throw new IllegalArgumentException("`" + address + "` is not an address; write HOST:PORT");
    }
    if (VERBATIM.stream().anyMatch(address::startsWith)) {
      return address;
    }
    Matcher dns = DNS.matcher(address);
    if (dns.matches()) {
      return dns.group(1) + withPort(dns.group(2), address);
    }
    Matcher scheme = SCHEME.matcher(address);
    if (scheme.lookingAt()) {
      String rest = address.substring(scheme.end()).split("/", 2)[0];
      throw new IllegalArgumentException(
          "an address has no scheme `%s`; write `%s`, and TLS is a setting of its own"
              .formatted(scheme.group(), rest));
    }
    String found = withPort(address, address);
    String host = found.split(":", 2)[0].toLowerCase(Locale.ROOT);
    return SCHEMES.contains(host) ? "dns:///" + found : found;
  }

  /**
   * Returns the socket of a node-local agent.
   *
   * @param address {@code unix:PATH}
   * @return the address
   * @throws IllegalArgumentException unless it is the path of a Unix socket
   */
  public static String agent(String address) {
    String target = target(address);
    if (!target.startsWith(UNIX) || unixPath(target).isEmpty()) {
      throw new IllegalArgumentException(
          "the agent is on this node; write `unix:PATH`, not `" + address + "`");
    }
    return target;
  }

  /** Returns whether nobody else can read what is sent to an address, also in plain text. */
  static boolean isThisMachine(String address) {
    return THIS_MACHINE.matcher(address).matches();
  }

  /** Returns the path in {@code unix:PATH} or {@code unix:///PATH}. */
  static String unixPath(String target) {
    String path = target.substring(UNIX.length());
    return path.startsWith("//") ? path.substring(2) : path;
  }

  private static String withPort(String name, String address) {
    if (!name.startsWith("[") && NetUtil.isValidIpV6Address(name)) {
      return "[" + name + "]:" + DEFAULT_PORT;
    }
    Matcher match = HOST_AND_PORT.matcher(name);
    if (!match.matches()) {
      throw new IllegalArgumentException("`" + address + "` is not an address; write HOST:PORT");
    }
    String port = match.group(2);
    if (port == null) {
      return match.group(1) + ":" + DEFAULT_PORT;
    }
    if (!PORT.matcher(port).matches() || !isPort(Integer.parseInt(port))) {
      throw new IllegalArgumentException(
          "the port of `" + address + "` is not a number from 1 to 65535");
    }
    return name;
  }

  private static boolean isPort(int number) {
    return 0 < number && number < 65_536;
  }

  private static boolean isSpace(int character) {
    return Character.isWhitespace(character) || Character.isSpaceChar(character);
  }
}
