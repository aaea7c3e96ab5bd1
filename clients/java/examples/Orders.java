import com.google.protobuf.StringValue;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.guard.Guard;
import com.rolecall.client.guard.GuardInterceptor;
import com.rolecall.client.guard.RoleMap;
import com.rolecall.client.guard.SpiffePrincipals;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerCredentials;
import io.grpc.ServerServiceDefinition;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Map;

/**
 * The orders service: gRPC over mTLS, each method protected by a role. {@code ORDERS_ADDRESS} is
 * where it listens, {@code CERTIFICATES} the folder of its files, and {@code ROLECALL_ADDRESS} and
 * its like say how to connect to Rolecall. A service of your own has its generated code in place of
 * {@code orders}.
 */
public final class Orders {
  private static final String SERVICE = "orders.v1.Orders";

  private Orders() {}

  private static <S extends ServerBuilder<S>> S guarded(S server, RolecallClient rolecall) {
    RoleMap roles =
        RoleMap.builder()
            .role("/orders.v1.Orders/Refund", "orders.refund")
            .role("/orders.v1.Orders/Cancel", "orders.cancel")
            .role("/orders.v1.Orders/*", "orders.read")
            .open("/grpc.health.v1.Health/*")
            .build();
    SpiffePrincipals callers =
        new SpiffePrincipals(
            Map.of("spiffe://demo.example/ns/shop/sa/shop", "123456789012@shop.internal"));
    Guard guard = Guard.builder(rolecall, roles, callers).build();
    return server.intercept(new GuardInterceptor(guard));
  }

  public static void main(String[] arguments) throws IOException, InterruptedException {
    String[] listen = setting("ORDERS_ADDRESS", "localhost:50081").split(":", 2);
    var address = new InetSocketAddress(listen[0], Integer.parseInt(listen[1]));
    try (RolecallClient rolecall = RolecallClient.fromEnv()) {
      NettyServerBuilder builder = NettyServerBuilder.forAddress(address, credentials());
      Server server = guarded(builder.addService(orders()), rolecall).build().start();
      Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
      System.out.println("orders is listening on " + listen[0] + ":" + server.getPort());
      server.awaitTermination();
    }
  }

  /** Requires the certificate of the client. */
  private static ServerCredentials credentials() throws IOException {
    Path folder = Path.of(setting("CERTIFICATES", "certificates"));
    return TlsServerCredentials.newBuilder()
        .keyManager(folder.resolve("orders.pem").toFile(), folder.resolve("orders.key").toFile())
        .trustManager(folder.resolve("ca.pem").toFile())
        .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
        .build();
  }

  /** The service itself, which knows nothing of roles. */
  private static ServerServiceDefinition orders() {
    return ServerServiceDefinition.builder(SERVICE)
        .addMethod(method("Get"), answering("is open"))
        .addMethod(method("Refund"), answering("is refunded"))
        .addMethod(method("Cancel"), answering("is cancelled"))
        .build();
  }

  private static MethodDescriptor<StringValue, StringValue> method(String name) {
    return MethodDescriptor.<StringValue, StringValue>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
        .setRequestMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
        .setResponseMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
        .build();
  }

  private static io.grpc.ServerCallHandler<StringValue, StringValue> answering(String what) {
    return ServerCalls.asyncUnaryCall(
        (order, response) -> {
          response.onNext(StringValue.of("order " + order.getValue() + " " + what));
          response.onCompleted();
        });
  }

  private static String setting(String name, String other) {
    return System.getenv().getOrDefault(name, other);
  }
}
