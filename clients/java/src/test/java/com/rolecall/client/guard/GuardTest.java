package com.rolecall.client.guard;

import static com.rolecall.client.Certificates.dns;
import static com.rolecall.client.Certificates.uri;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.StringValue;
import com.google.rpc.ErrorInfo;
import com.rolecall.client.Certificates;
import com.rolecall.client.FakeService;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.RolecallException;
import com.rolecall.client.Threads;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.CheckAssumeRoleResponse;
import com.rolecall.v1.Decision;
import com.rolecall.v1.DecisionReason;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class GuardTest {
  private static final String CART = "spiffe://td/ns/shop/sa/cart";
  private static final String PRINCIPAL = "1@cart.internal";
  private static final CallerRule CALLERS = new SpiffePrincipals(Map.of(CART, PRINCIPAL));

  @TempDir Path folder;
  private final AtomicInteger started = new AtomicInteger();
  private final List<AssumeRoleQuery> asked = new CopyOnWriteArrayList<>();
  private final List<GuardDecision> seen = new CopyOnWriteArrayList<>();
  private Certificates certificates;
  private Server server;
  private ManagedChannel channel;

  @BeforeEach
  void issue() {
    certificates = new Certificates(folder);
    certificates.issue("server", dns("localhost"));
    certificates.issue("client", uri(CART));
    certificates.issue("several", uri(CART), uri("spiffe://td/other"));
    certificates.issue("dns", dns("cart.shop.internal"));
  }

  @AfterEach
  void stop() {
    if (channel != null) {
      channel.shutdownNow();
    }
    if (server != null) {
      server.shutdownNow();
    }
  }

  @Test
  void aCallPassesIfItsCallerMayAssumeTheRoleOfItsMethod() throws Exception {
    start(Guard.builder(deciding(true), roles(), CALLERS), "client");

    assertEquals("order 7", unary("Refund", "7"));
    assertEquals(PRINCIPAL, asked.get(0).getPrincipal());
    assertEquals("orders.refund", asked.get(0).getRole());
    assertEquals(
        List.of("127.0.0.1"), asked.get(0).getContextOrThrow("acs:SourceIp").getValuesList());
  }

  @Test
  void everyKindOfMethodIsGuarded() throws Exception {
    start(Guard.builder(deciding(true), roles(), CALLERS), "client");
    assertEquals(List.of("order 1", "order 2"), stream("1", "2"));

    stop();
    start(Guard.builder(deciding(false), roles(), CALLERS), "client");
    assertEquals(
        Status.Code.PERMISSION_DENIED,
        assertThrows(StatusRuntimeException.class, () -> stream("1")).getStatus().getCode());
    assertEquals(1, started.get());
  }

  @Test
  void aDenyIsRefusedWithItsIdAndNoMore() throws Exception {
    start(Guard.builder(deciding(false), roles(), CALLERS).onDecision(seen::add), "client");

    StatusRuntimeException error =
        assertThrows(StatusRuntimeException.class, () -> unary("Refund", "7"));

    assertEquals(Status.Code.PERMISSION_DENIED, error.getStatus().getCode());
    assertEquals(
        "the caller is not allowed to call this method; decision `d-1`",
        error.getStatus().getDescription());
    ErrorInfo info = info(error);
    assertEquals("rolecall.guard", info.getDomain());
    assertEquals("NOT_ALLOWED", info.getReason());
    assertEquals("d-1", info.getMetadataOrThrow("decision_id"));
    assertEquals(0, started.get());
    assertEquals("IMPLICIT_DENY", seen.get(0).reason());
  }

  @Test
  void aMethodWithoutARoleIsClosedAndAnOpenOneIsOpen() throws Exception {
    RoleMap map = RoleMap.builder().open("/orders.v1.Orders/Get").build();
    start(Guard.builder(deciding(true), map, CALLERS), "several");

    assertEquals("order 7", unary("Get", "7"));
    assertEquals("METHOD_CLOSED", info(refused("Refund")).getReason());
    assertEquals(0, asked.size());
  }

  @ParameterizedTest
  @CsvSource({"several", "dns"})
  void aCertificateWithoutTheOneNameNamesNobody(String certificate) throws Exception {
    start(Guard.builder(deciding(true), roles(), CALLERS), certificate);

    StatusRuntimeException error = refused("Refund");

    assertEquals(Status.Code.UNAUTHENTICATED, error.getStatus().getCode());
    assertEquals("UNKNOWN_CALLER", info(error).getReason());
    assertEquals(0, asked.size());
  }

  @Test
  void aDnsNameNamesACallerWhereTheRuleSaysSo() throws Exception {
    var callers = new DnsPrincipals(Map.of("cart.shop.internal", PRINCIPAL));
    start(Guard.builder(deciding(true), roles(), callers), "dns");

    assertEquals("order 7", unary("Refund", "7"));
  }

  @Test
  void withoutAnAnswerNoCallPasses() throws Exception {
    List<DecisionSource> sources =
        List.of(
            (query, timeout) -> CompletableFuture.failedFuture(new IllegalStateException("x")),
            (query, timeout) -> {
              throw new IllegalStateException("x");
            },
            (query, timeout) ->
                CompletableFuture.failedFuture(
                    RolecallException.of(com.google.rpc.Status.newBuilder().setCode(14).build())),
            (query, timeout) -> CompletableFuture.completedFuture(null));
    for (DecisionSource source : sources) {
      start(Guard.builder(source, roles(), CALLERS), "client");

      StatusRuntimeException error = refused("Refund");

      assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
      assertEquals("NOT_DECIDED", info(error).getReason());
      stop();
    }
    assertEquals(0, started.get());
  }

  @Test
  void aServiceThatHangsIsGivenUpInTime() throws Exception {
    try (FakeService rolecall = FakeService.start();
        RolecallClient client = RolecallClient.builder(rolecall.address()).build()) {
      rolecall.decide =
          query -> {
            throw Status.UNAVAILABLE.asRuntimeException();
          };
      start(Guard.builder(client, roles(), CALLERS).timeout(Duration.ofMillis(200)), "client");

      assertEquals("NOT_DECIDED", info(refused("Refund")).getReason());
    }
  }

  @Test
  void aCallbackThatFailsRefusesOrChangesNothing() throws Exception {
    start(
        Guard.builder(deciding(true), roles(), CALLERS)
            .context(
                (method, peer) -> {
                  throw new IllegalStateException("x");
                }),
        "client");
    assertEquals("NOT_DECIDED", info(refused("Refund")).getReason());

    stop();
    start(
        Guard.builder(deciding(true), roles(), CALLERS)
            .onDecision(
                decision -> {
                  throw new IllegalStateException("x");
                }),
        "client");
    assertEquals("order 7", unary("Refund", "7"));
  }

  @Test
  void anObservingGuardLetsEveryCallPassAndCounts() throws Exception {
    GuardCounts counts = new GuardCounts();
    start(
        Guard.builder(deciding(false), roles(), CALLERS).mode(GuardMode.OBSERVE).counts(counts),
        "client");

    assertEquals("order 7", unary("Refund", "7"));
    assertTrue(Threads.eventually(() -> counts.total(GuardOutcome.DENIED) == 1));
    assertEquals(
        Map.of(new GuardCounts.Key("orders.refund", GuardOutcome.DENIED), 1L), counts.byRole());
  }

  @Test
  void anObservingGuardDecidesAboutABoundedNumberAtATime() throws Exception {
    CompletableFuture<CheckAssumeRoleResponse> never = new CompletableFuture<>();
    Guard guard =
        Guard.builder((query, timeout) -> never, roles(), peer -> CallerIdentity.of(PRINCIPAL))
            .mode(GuardMode.OBSERVE)
            .build();

    for (int i = 0; i < 105; i++) {
      assertTrue(guard.refusal("/orders.v1.Orders/Get", PeerFacts.unknown(), null).get().isEmpty());
    }

    assertEquals(5, guard.counts().total(GuardOutcome.NOT_OBSERVED));
  }

  @Test
  void theGuardWaitsNoLongerThanTheCaller() throws Exception {
    List<Duration> times = new ArrayList<>();
    Guard guard =
        Guard.builder(
                (query, timeout) -> {
                  times.add(timeout);
                  return new CompletableFuture<>();
                },
                roles(),
                peer -> CallerIdentity.of(PRINCIPAL))
            .build();

    guard.refusal("/orders.v1.Orders/Get", PeerFacts.unknown(), Duration.ofMillis(5));
    guard.refusal("/orders.v1.Orders/Get", PeerFacts.unknown(), null);

    assertEquals(List.of(Duration.ofMillis(5), Duration.ofSeconds(2)), times);
  }

  @ParameterizedTest
  @CsvSource({
    "Refund,orders.refund", // no slash
    "/orders.v1.Orders/Refund/,orders.refund",
    "/orders.v1.Orders/Ref*,orders.refund",
    "/orders.v1.Orders/Refund,a role",
    "/orders.v1.Orders/Refund,''"
  })
  void anEntryThatNamesNoMethodOrNoRoleIsRefused(String method, String role) {
    RoleMap.Builder builder = RoleMap.builder();

    assertThrows(IllegalArgumentException.class, () -> builder.role(method, role));
  }

  @Test
  void aMapIsComparedWithItsServices() {
    RoleMap.Builder misspelt =
        RoleMap.builder()
            .role("/orders.v1.Orders/Refnd", "orders.refund")
            .role("/orders.v1.Orders/*", "orders.read")
            .service(definition().getServiceDescriptor());
    RoleMap.Builder incomplete =
        RoleMap.builder()
            .role("/orders.v1.Orders/Refund", "orders.refund")
            .service(definition().getServiceDescriptor());

    assertTrue(
        assertThrows(IllegalArgumentException.class, misspelt::build)
            .getMessage()
            .contains("`/orders.v1.Orders/Refnd` is no method of the services"));
    assertTrue(
        assertThrows(IllegalArgumentException.class, incomplete::build)
            .getMessage()
            .contains("has no role and is not open"));
  }

  @Test
  void rulesOfCallersAreCheckedWhenTheyAreMade() {
    assertThrows(
        IllegalArgumentException.class, () -> new SpiffePrincipals(Map.of("spiffe://*/a", "1@a")));
    assertThrows(
        IllegalArgumentException.class, () -> new SpiffePrincipals(Map.of(CART, "nobody")));
    assertThrows(
        IllegalArgumentException.class, () -> new DnsPrincipals(Map.of("*.internal", "1@a")));
    assertThrows(IllegalArgumentException.class, () -> new OidcBearer("github"));
    var accounts = new SpiffeServiceAccounts("td", "cluster");
    var builder = Guard.builder(deciding(true), roles(), accounts);
    assertThrows(IllegalArgumentException.class, builder::build);
  }

  @Test
  void aPatternMatchesWholeSegmentsAndNamesOnePrincipal() {
    var rule =
        new SpiffePrincipals(
            Map.of(
                "spiffe://td/ns/*/sa/cart", "1@cart",
                "spiffe://td/ns/shop/sa/*", "1@shop",
                "spiffe://td/ns/shop/sa/cart", "1@exact"));

    assertEquals("1@exact", rule.identify(peer(CART)).name());
    assertEquals("1@cart", rule.identify(peer("spiffe://td/ns/other/sa/cart")).name());
    assertThrows(
        UnknownCallerException.class, () -> rule.identify(peer("spiffe://td/ns/a/b/sa/cart")));
    assertThrows(
        UnknownCallerException.class, () -> rule.identify(peer("spiffe://td/ns/../sa/cart")));
  }

  @Test
  void aServiceAccountIsAKubernetesIdentity() {
    CallerIdentity caller = new SpiffeServiceAccounts("td", "cluster").identify(peer(CART));

    assertEquals("k8s:cluster/shop/cart", caller.name());
    assertThrows(
        UnknownCallerException.class,
        () -> new SpiffeServiceAccounts("other", "cluster").identify(peer(CART)));
  }

  @Test
  void aTokenIsTakenFromTheOneHeader() {
    OidcBearer rule = new OidcBearer("acs:ram::1:oidc-provider/github");
    Metadata.Key<String> key = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    Metadata headers = new Metadata();
    headers.put(key, "Bearer a.b.c");
    PeerFacts peer = new PeerFacts(List.of(), List.of(), headers, "");

    assertEquals("a.b.c", rule.identify(peer).token());
    assertFalse(rule.identify(peer).toString().contains("a.b.c"));
    headers.put(key, "Bearer d.e.f");
    assertThrows(UnknownCallerException.class, () -> rule.identify(peer));
  }

  private static PeerFacts peer(String id) {
    return new PeerFacts(List.of(id), List.of(), new Metadata(), "");
  }

  private StatusRuntimeException refused(String method) {
    return assertThrows(StatusRuntimeException.class, () -> unary(method, "7"));
  }

  private static ErrorInfo info(StatusRuntimeException error) throws Exception {
    return StatusProto.fromThrowable(error).getDetails(0).unpack(ErrorInfo.class);
  }

  private static RoleMap roles() {
    return RoleMap.builder()
        .role("/orders.v1.Orders/Refund", "orders.refund")
        .role("/orders.v1.Orders/*", "orders.read")
        .service(definition(new AtomicInteger()).getServiceDescriptor())
        .build();
  }

  /** Answers a little later, on another thread, as a client does. */
  private DecisionSource deciding(boolean allowed) {
    Decision decision =
        Decision.newBuilder()
            .setAllowed(allowed)
            .setDecisionId("d-1")
            .setReason(
                allowed
                    ? DecisionReason.DECISION_REASON_ALLOW
                    : DecisionReason.DECISION_REASON_IMPLICIT_DENY)
            .build();
    return (query, timeout) -> {
      asked.add(query);
      return CompletableFuture.supplyAsync(
          () -> CheckAssumeRoleResponse.newBuilder().setDecision(decision).build());
    };
  }

  private void start(Guard.Builder guard, String certificate) throws Exception {
    var credentials =
        TlsServerCredentials.newBuilder()
            .keyManager(
                folder.resolve("server.pem").toFile(), folder.resolve("server.pkcs8").toFile())
            .trustManager(folder.resolve("ca.pem").toFile())
            .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
            .build();
    server =
        NettyServerBuilder.forAddress(new java.net.InetSocketAddress("127.0.0.1", 0), credentials)
            .addService(definition())
            .intercept(new GuardInterceptor(guard.build()))
            .build()
            .start();
    channel =
        NettyChannelBuilder.forAddress(
                "127.0.0.1",
                server.getPort(),
                TlsChannelCredentials.newBuilder()
                    .trustManager(folder.resolve("ca.pem").toFile())
                    .keyManager(
                        folder.resolve(certificate + ".pem").toFile(),
                        folder.resolve(certificate + ".pkcs8").toFile())
                    .build())
            .overrideAuthority("localhost")
            .build();
  }

  private String unary(String name, String order) {
    return ClientCalls.blockingUnaryCall(
            channel,
            method(name, MethodDescriptor.MethodType.UNARY),
            CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS),
            StringValue.of(order))
        .getValue();
  }

  private List<String> stream(String... orders) throws Exception {
    CompletableFuture<List<String>> answers = new CompletableFuture<>();
    List<String> read = new ArrayList<>();
    StreamObserver<StringValue> requests =
        ClientCalls.asyncBidiStreamingCall(
            channel.newCall(
                method("Follow", MethodDescriptor.MethodType.BIDI_STREAMING), CallOptions.DEFAULT),
            new StreamObserver<>() {
              @Override
              public void onNext(StringValue value) {
                read.add(value.getValue());
              }

              @Override
              public void onError(Throwable error) {
                answers.completeExceptionally(error);
              }

              @Override
              public void onCompleted() {
                answers.complete(read);
              }
            });
    for (Iterator<String> it = List.of(orders).iterator(); it.hasNext(); ) {
      requests.onNext(StringValue.of(it.next()));
    }
    requests.onCompleted();
    try {
      return answers.get(20, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException error) {
      throw (StatusRuntimeException) error.getCause();
    }
  }

  private ServerServiceDefinition definition() {
    return definition(started);
  }

  private static ServerServiceDefinition definition(AtomicInteger started) {
    ServerCalls.UnaryMethod<StringValue, StringValue> answer =
        (order, response) -> {
          started.incrementAndGet();
          response.onNext(StringValue.of("order " + order.getValue()));
          response.onCompleted();
        };
    ServerCalls.BidiStreamingMethod<StringValue, StringValue> follow =
        response -> {
          started.incrementAndGet();
          return new StreamObserver<>() {
            @Override
            public void onNext(StringValue order) {
              response.onNext(StringValue.of("order " + order.getValue()));
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onCompleted() {
              response.onCompleted();
            }
          };
        };
    return ServerServiceDefinition.builder("orders.v1.Orders")
        .addMethod(
            method("Get", MethodDescriptor.MethodType.UNARY), ServerCalls.asyncUnaryCall(answer))
        .addMethod(
            method("Refund", MethodDescriptor.MethodType.UNARY), ServerCalls.asyncUnaryCall(answer))
        .addMethod(
            method("Follow", MethodDescriptor.MethodType.BIDI_STREAMING),
            ServerCalls.asyncBidiStreamingCall(follow))
        .build();
  }

  private static MethodDescriptor<StringValue, StringValue> method(
      String name, MethodDescriptor.MethodType type) {
    return MethodDescriptor.<StringValue, StringValue>newBuilder()
        .setType(type)
        .setFullMethodName("orders.v1.Orders/" + name)
        .setRequestMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
        .setResponseMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
        .build();
  }
}
