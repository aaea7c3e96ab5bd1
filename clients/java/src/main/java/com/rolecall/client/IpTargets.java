package com.rolecall.client;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import io.grpc.netty.shaded.io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/** Targets that list addresses: {@code ipv4:ADDRESS:PORT,ADDRESS:PORT} and {@code ipv6:...}. */
final class IpTargets {
  private static final String SCHEME = "rolecall-ip";

  static {
    NameResolverRegistry.getDefaultRegistry().register(new Provider());
  }

  private IpTargets() {}

  static boolean isOne(String target) {
    return target.startsWith("ipv4:") || target.startsWith("ipv6:");
  }

  /** Returns the target by which gRPC finds this resolver. */
  static String checked(String target) {
    String list = target.substring("ipvX:".length());
    addresses(list);
    return SCHEME + ":///" + list.replace("[", "%5B").replace("]", "%5D");
  }

  private static List<EquivalentAddressGroup> addresses(String list) {
    List<EquivalentAddressGroup> groups = new ArrayList<>();
    for (String text : list.split(",", -1)) {
      InetSocketAddress address =
          NetUtil.isValidIpV4Address(host(text)) ? parse(text) : parse6(text);
      groups.add(new EquivalentAddressGroup(address));
    }
    return groups;
  }

  private static String host(String text) {
    int colon = text.lastIndexOf(':');
    return colon < 0 ? text : text.substring(0, colon);
  }

  private static InetSocketAddress parse6(String text) {
    String host = host(text);
    if (!host.startsWith("[") || !NetUtil.isValidIpV6Address(host)) {
      throw new IllegalArgumentException("`" + text + "` is not ADDRESS:PORT");
    }
    return parse(text);
  }

  private static InetSocketAddress parse(String text) {
    try {
      int port = Integer.parseInt(text.substring(text.lastIndexOf(':') + 1));
      return new InetSocketAddress(host(text), port);
    } catch (IllegalArgumentException error) {
      throw new IllegalArgumentException("`" + text + "` is not ADDRESS:PORT", error);
    }
  }

  /** Makes resolvers that know their addresses. */
  private static final class Provider extends NameResolverProvider {
    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      if (!SCHEME.equals(target.getScheme())) {
        return null;
      }
      String list = target.getPath().substring(1);
      return new Resolver(list.split(",", 2)[0], addresses(list));
    }

    @Override
    public String getDefaultScheme() {
      return SCHEME;
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 0;
    }
  }

  private static final class Resolver extends NameResolver {
    private final String authority;
    private final List<EquivalentAddressGroup> groups;

    Resolver(String authority, List<EquivalentAddressGroup> groups) {
      this.authority = authority;
      this.groups = groups;
    }

    @Override
    public String getServiceAuthority() {
      return authority;
    }

    @Override
    public void start(Listener2 listener) {
      listener.onResult(
          ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(groups)).build());
    }

    @Override
    public void shutdown() {}
  }
}
