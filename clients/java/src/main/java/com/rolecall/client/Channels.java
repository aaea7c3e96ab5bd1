package com.rolecall.client;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.util.concurrent.TimeUnit;

/** Opens the channels of a client. */
final class Channels {
  /** The largest response: that of an apply of 100,000 new roles with their documents fits. */
  static final int MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

  // By default a gRPC server closes the connection of a client that pings more often than every
  // five minutes.
  private static final long KEEPALIVE_SECONDS = 310;
  private static final long KEEPALIVE_TIMEOUT_SECONDS = 20;

  private Channels() {}

  /** Opens a channel to the service, with TLS if there is material. */
  static ManagedChannel service(
      String target, TlsMaterial tls, String serverName, ClientThreads threads) {
    NettyChannelBuilder builder =
        open(target, tls == null ? InsecureChannelCredentials.create() : tls.credentials());
    builder
        .defaultServiceConfig(ServiceConfig.OF_SERVICE)
        .disableServiceConfigLookUp()
        .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    if (serverName != null) {
      builder.overrideAuthority(serverName);
    }
    return build(builder, threads);
  }

  /** Opens a channel to the agent, which repeats nothing: the service is asked instead. */
  static ManagedChannel agent(String target, ClientThreads threads) {
    return build(
        open(target, InsecureChannelCredentials.create())
            .disableServiceConfigLookUp()
            .disableRetry(),
        threads);
  }

  private static ManagedChannel build(NettyChannelBuilder builder, ClientThreads threads) {
    return builder
        .eventLoopGroup(threads.connections())
        .executor(threads.callbacks())
        .offloadExecutor(threads.callbacks())
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        // The service runs nearby. A proxy of the environment is meant for the web.
        .proxyDetector(address -> null)
        .build();
  }

  private static NettyChannelBuilder open(String target, ChannelCredentials credentials) {
    if (target.startsWith(ServerAddress.UNIX)) {
      var socket = UnixDomainSocketAddress.of(ServerAddress.unixPath(target));
      return NettyChannelBuilder.forAddress(socket, credentials)
          .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
          // gRPC sets this option, which a Unix socket does not have: with each connection Netty
          // would log that. Null removes it.
          .withOption(ChannelOption.SO_KEEPALIVE, null)
          .overrideAuthority("localhost");
    }
    return NettyChannelBuilder.forTarget(name(target), credentials)
        .channelType(NioSocketChannel.class);
  }

  private static String name(String target) {
    if (target.startsWith("unix-abstract:")) {
      throw new IllegalArgumentException(
          "Java has no abstract sockets; write `unix:PATH`, not `" + target + "`");
    }
    if (IpTargets.isOne(target)) {
      return IpTargets.checked(target);
    }
    String name = target.startsWith("dns:") ? target.substring("dns:".length()) : target;
    if (name.startsWith("//") && !name.startsWith("///")) {
      throw new IllegalArgumentException(
          "Java asks the name servers of the system; write `dns:///HOST:PORT`, not `%s`"
              .formatted(target));
    }
    String host = name.startsWith("///") ? name.substring(3) : name;
    try {
      return new URI("dns", "", "/" + host, null).toString();
    } catch (URISyntaxException error) {
      throw new IllegalArgumentException("`" + target + "` is not an address", error);
    }
  }
}
