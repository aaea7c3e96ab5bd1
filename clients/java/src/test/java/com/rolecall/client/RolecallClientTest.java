package com.rolecall.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.rolecall.v1.ApplyRolesRequest;
import com.rolecall.v1.ApplyRolesResponse;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.CreateRoleRequest;
import com.rolecall.v1.CreateRoleResponse;
import com.rolecall.v1.Decision;
import com.rolecall.v1.ListChangesRequest;
import com.rolecall.v1.ListChangesResponse;
import com.rolecall.v1.ListRoleRevisionsRequest;
import com.rolecall.v1.ListRoleRevisionsResponse;
import com.rolecall.v1.ListRolesRequest;
import com.rolecall.v1.ListRolesResponse;
import com.rolecall.v1.PolicyViolation;
import com.rolecall.v1.RecordedChange;
import com.rolecall.v1.Role;
import com.rolecall.v1.RoleDeclaration;
import com.rolecall.v1.RoleRevision;
import com.rolecall.v1.RoleServiceGrpc;
import com.rolecall.v1.StreamCheckAssumeRoleResponse;
import com.rolecall.v1.UndeleteRoleRequest;
import com.rolecall.v1.UndeleteRoleResponse;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class RolecallClientTest {
  private static final AssumeRoleQuery QUERY = Query.of("acs:ram::1:user/alice", "allowed");

  private final RoleService roles = new RoleService();
  private FakeService service;
  private RolecallClient client;

  @BeforeEach
  void start() {
    service = FakeService.start(roles);
    client = RolecallClient.builder(service.address()).build();
  }

  @AfterEach
  void stop() {
    client.close();
    service.close();
  }

  @Test
  void aDenyIsAnAnswer() {
    assertTrue(client.check(QUERY).getDecision().getAllowed());
    assertFalse(client.check(Query.of("1@a", "other")).getDecision().getAllowed());
  }

  @Test
  void theAsynchronousClientGivesTheSameAnswers() throws Exception {
    assertTrue(client.async().check(QUERY).get().getDecision().getAllowed());
    assertEquals(2, client.async().batchCheck(List.of(QUERY, QUERY)).get().getResultsCount());
  }

  @Test
  void anErrorHasItsKindAndItsFacts() {
    service.decide = query -> fail(malformed());

    var error = assertThrows(InvalidArgumentException.class, () -> client.check(QUERY));

    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals("INVALID_EFFECT", error.reason());
    assertEquals("the policy is broken", error.getMessage());
    assertEquals("req-7", error.requestId());
    assertEquals("MalformedPolicyDocument", error.metadata().get("ram_code"));
    assertEquals(Duration.ofMillis(1_500), error.retryAfter().orElseThrow());
    assertEquals(
        List.of(
            new Violation("a", "INVALID_EFFECT", "not an effect", "/Statement/0/Effect", 2, 27),
            new Violation("b", "", "wrong", "", 0, 0)),
        error.violations());
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"OK"})
  void everyCodeIsARolecallException(Status.Code code) {
    var error =
        RolecallException.of(com.google.rpc.Status.newBuilder().setCode(code.value()).build());

    assertEquals(code, error.code());
    assertEquals(code == Status.Code.UNAVAILABLE, error instanceof UnavailableException);
    assertEquals(code == Status.Code.ABORTED, error instanceof AbortedException);
  }

  @Test
  void anAsynchronousErrorIsTheSame() {
    service.decide = query -> fail(malformed());

    var error = assertThrows(ExecutionException.class, () -> client.async().check(QUERY).get());

    assertInstanceOf(InvalidArgumentException.class, error.getCause());
  }

  @Test
  void aQueryOfABatchMayHaveAnErrorOfItsOwn() {
    service.decide =
        query ->
            query.getRole().equals("bad")
                ? fail(malformed())
                : Decision.newBuilder().setAllowed(true).build();

    var results = client.batchCheck(List.of(QUERY, Query.of("1@a", "bad"))).getResultsList();

    assertTrue(results.get(0).getDecision().getAllowed());
    assertInstanceOf(
        InvalidArgumentException.class, RolecallException.of(results.get(1).getError()));
  }

  @Test
  void anUnavailableServiceIsAskedAgain() {
    AtomicInteger asked = new AtomicInteger();
    service.decide =
        query ->
            asked.incrementAndGet() < 4
                ? fail(FakeService.failure(Status.Code.UNAVAILABLE, "STATE_GAP"))
                : Decision.newBuilder().setAllowed(true).build();

    assertTrue(client.check(QUERY).getDecision().getAllowed());
    assertEquals(4, asked.get());
  }

  @Test
  void aServiceThatStaysUnavailableIsAskedFourTimes() {
    service.decide = query -> fail(FakeService.failure(Status.Code.UNAVAILABLE, "STATE_TOO_OLD"));

    var error = assertThrows(UnavailableException.class, () -> client.check(QUERY));

    assertEquals("STATE_TOO_OLD", error.reason());
    assertEquals(4, service.calls.get());
  }

  @Test
  void aCallEndsWithItsTimeLimit() {
    service.silent = true;

    assertThrows(
        DeadlineExceededException.class,
        () -> client.withTimeout(Duration.ofMillis(50)).check(QUERY));
  }

  @Test
  void aTimeLimitIsMoreThanNothing() {
    assertThrows(IllegalArgumentException.class, () -> client.withTimeout(Duration.ofSeconds(0)));
  }

  @Test
  void furtherMetadataIsSent() {
    Metadata.Key<String> key = Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
    Metadata metadata = new Metadata();
    metadata.put(key, "mine");

    client.withMetadata(metadata).check(QUERY);

    assertEquals("mine", service.headers.get(0).get(key));
  }

  @Test
  void aFutureThatIsCancelledCancelsItsCall() throws Exception {
    service.silent = true;
    CompletableFuture<?> answer = client.async().check(QUERY);
    Threads.eventually(() -> service.calls.get() == 1);

    answer.cancel(true);

    assertTrue(answer.isCancelled());
  }

  @Test
  void anInterruptEndsACall() throws Exception {
    service.silent = true;
    CompletableFuture<Throwable> seen = new CompletableFuture<>();
    Thread caller =
        new Thread(
            () -> seen.complete(assertThrows(RolecallException.class, () -> client.check(QUERY))));
    caller.start();
    Threads.eventually(() -> service.calls.get() == 1);

    caller.interrupt();

    assertEquals(
        Status.Code.CANCELLED, ((RolecallException) seen.get(10, TimeUnit.SECONDS)).code());
  }

  @Test
  void aStreamAnswersInOrder() {
    List<Long> sequences = new ArrayList<>();
    try (CheckStream answers = client.streamCheck(queries(1_000), 16)) {
      answers.forEach(answer -> sequences.add(answer.getSequence()));
    }

    assertEquals(IntStream.range(0, 1_000).mapToObj(n -> (long) n).toList(), sequences);
  }

  @Test
  void aStreamThatTheServerEndsContinuesOnAnother() {
    service.answersOfAStream = 7;

    List<Long> sequences = new ArrayList<>();
    for (StreamCheckAssumeRoleResponse answer : client.streamCheck(queries(30), 4)) {
      sequences.add(answer.getSequence());
    }

    assertEquals(IntStream.range(0, 30).mapToObj(n -> (long) n).toList(), sequences);
    assertTrue(service.calls.get() >= 4);
  }

  @Test
  void aStreamOfAServiceThatStaysAwayFails() {
    service.answersOfAStream = 0;

    CheckStream answers = client.streamCheck(queries(3), 4);

    assertThrows(UnavailableException.class, answers::next);
    assertEquals(4, service.calls.get());
  }

  @Test
  void aStreamReadsNoMoreQueriesThanItMay() {
    AtomicInteger read = new AtomicInteger();
    Iterator<AssumeRoleQuery> counted =
        IntStream.range(0, 100).peek(n -> read.incrementAndGet()).mapToObj(n -> QUERY).iterator();

    try (CheckStream answers = client.streamCheck(counted, 5)) {
      answers.next();

      assertTrue(read.get() <= 6, "read " + read.get());
    }
  }

  @Test
  void aWriteHasARequestId() {
    client.createRole(CreateRoleRequest.newBuilder().setRoleName("a").build());
    client.createRole(CreateRoleRequest.newBuilder().setRoleName("a").setRequestId("x").build());

    assertEquals(36, roles.created.get(0).getRequestId().length());
    assertEquals("x", roles.created.get(1).getRequestId());
  }

  @Test
  void aDeletedRoleIsRestoredAndChangesAreListed() {
    var restored =
        client.undeleteRole(UndeleteRoleRequest.newBuilder().setRole("a").setRoleId("7").build());
    var changes = client.listChanges(ListChangesRequest.newBuilder().setStartRevision(3).build());
    var revisions = client.listRoleRevisions("a", "7");

    assertEquals("7", restored.getRole().getRoleId());
    assertEquals(36, restored.getConsistencyToken().length());
    assertEquals(List.of(3L, 4L, 5L), changes.stream().map(RecordedChange::getRevision).toList());
    assertEquals(
        List.of("7"), revisions.stream().map(revision -> revision.getRole().getRoleId()).toList());
  }

  @Test
  void aListIsReadPageByPage() {
    var listed = client.listRoles(ListRolesRequest.getDefaultInstance());

    assertEquals(
        List.of("role-0", "role-1", "role-2"), listed.stream().map(Role::getRoleName).toList());
    assertEquals(3, client.exportRoles(ListRolesRequest.getDefaultInstance()).stream().count());
  }

  @Test
  void anApplySendsItsOptionsFirstAndTheRolesInChunks() {
    String document = "x".repeat(100_000);
    List<RoleDeclaration> declared =
        IntStream.range(0, 40)
            .mapToObj(
                n ->
                    RoleDeclaration.newBuilder()
                        .setRoleName("r" + n)
                        .setAssumeRolePolicyDocument(document)
                        .build())
            .toList();

    client.applyRoles(declared, ApplyOptions.builder().changeReason("test").build());

    assertEquals("test", roles.applied.get(0).getOptions().getChangeReason());
    assertEquals(36, roles.applied.get(0).getOptions().getRequestId().length());
    assertEquals(
        declared,
        roles.applied.stream().flatMap(part -> part.getRoles().getRolesList().stream()).toList());
    assertTrue(roles.applied.size() > 5);
  }

  @Test
  void rolesThatCannotBeReadAreNotApplied() throws Exception {
    Iterable<RoleDeclaration> broken =
        () ->
            IntStream.range(0, 2)
                .mapToObj(
                    n -> {
                      if (n == 1) {
                        throw new IllegalStateException("no more");
                      }
                      return RoleDeclaration.getDefaultInstance();
                    })
                .iterator();

    assertThrows(IllegalStateException.class, () -> client.applyRoles(broken));
    assertTrue(Threads.eventually(() -> roles.failed.get() == 1));
    assertEquals(0, roles.finished.get());
  }

  @Test
  void aClosedClientSaysSo() {
    client.close();

    var error = assertThrows(RolecallException.class, () -> client.check(QUERY));
    assertEquals("the client is closed", error.getMessage());
    assertThrows(ExecutionException.class, () -> client.async().check(QUERY).get());
    client.close();
  }

  @Test
  void closingEndsCallsInProgress() throws Exception {
    service.silent = true;
    CompletableFuture<?> answer = client.async().check(QUERY);
    Threads.eventually(() -> service.calls.get() == 1);

    client.close();

    var error = assertThrows(ExecutionException.class, () -> answer.get(10, TimeUnit.SECONDS));
    assertInstanceOf(RolecallException.class, error.getCause());
  }

  @Test
  void closingLeavesNoThread() throws Exception {
    Threads threads = new Threads();
    try (RolecallClient other = RolecallClient.builder(service.address()).build()) {
      other.check(QUERY);
      other.async().check(QUERY).get();
      other.streamCheck(queries(10), 2).forEach(answer -> {});
    }

    threads.assertNoneLeft();
  }

  @Test
  void aCallbackMayCloseTheClient() throws Exception {
    Threads threads = new Threads();
    CountDownLatch closed = new CountDownLatch(1);
    RolecallClient other = RolecallClient.builder(service.address()).build();

    other
        .async()
        .check(QUERY)
        .thenRun(
            () -> {
              other.close();
              closed.countDown();
            });

    assertTrue(closed.await(10, TimeUnit.SECONDS));
    threads.assertNoneLeft();
  }

  private static Iterator<AssumeRoleQuery> queries(int count) {
    return IntStream.range(0, count).mapToObj(n -> Query.of("1@a", "allowed-" + n)).iterator();
  }

  private static Decision fail(RuntimeException error) {
    throw error;
  }

  private static RuntimeException malformed() {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.INVALID_ARGUMENT.value())
            .setMessage("the policy is broken")
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason("INVALID_EFFECT")
                        .setDomain("rolecall")
                        .putMetadata("request_id", "req-7")
                        .putMetadata("ram_code", "MalformedPolicyDocument")
                        .build()))
            .addDetails(
                Any.pack(
                    BadRequest.newBuilder()
                        .addFieldViolations(violation("a", "INVALID_EFFECT", "not an effect"))
                        .addFieldViolations(violation("b", "", "wrong"))
                        .build()))
            .addDetails(
                Any.pack(
                    PolicyViolation.newBuilder()
                        .setPointer("/Statement/0/Effect")
                        .setLine(2)
                        .setColumn(27)
                        .build()))
            .addDetails(
                Any.pack(
                    RetryInfo.newBuilder()
                        .setRetryDelay(
                            com.google.protobuf.Duration.newBuilder()
                                .setSeconds(1)
                                .setNanos(500_000_000))
                        .build()))
            .build());
  }

  private static BadRequest.FieldViolation violation(String field, String reason, String message) {
    return BadRequest.FieldViolation.newBuilder()
        .setField(field)
        .setReason(reason)
        .setDescription(message)
        .build();
  }

  /** Notes what is written, and has three roles on three pages. */
  private static final class RoleService extends RoleServiceGrpc.RoleServiceImplBase {
    final List<CreateRoleRequest> created = new CopyOnWriteArrayList<>();
    final List<ApplyRolesRequest> applied = new CopyOnWriteArrayList<>();
    final AtomicInteger finished = new AtomicInteger();
    final AtomicInteger failed = new AtomicInteger();

    @Override
    public void createRole(CreateRoleRequest request, StreamObserver<CreateRoleResponse> response) {
      created.add(request);
      response.onNext(CreateRoleResponse.getDefaultInstance());
      response.onCompleted();
    }

    @Override
    public void listRoles(ListRolesRequest request, StreamObserver<ListRolesResponse> response) {
      String token = request.getPageToken();
      int page = token.isEmpty() ? 0 : Integer.parseInt(token);
      ListRolesResponse.Builder answer = ListRolesResponse.newBuilder();
      answer.addRoles(Role.newBuilder().setRoleName("role-" + page));
      if (page < 2) {
        answer.setNextPageToken(String.valueOf(page + 1));
      }
      response.onNext(answer.build());
      response.onCompleted();
    }

    /** Answers with the request id in place of the token. */
    @Override
    public void undeleteRole(
        UndeleteRoleRequest request, StreamObserver<UndeleteRoleResponse> response) {
      response.onNext(
          UndeleteRoleResponse.newBuilder()
              .setRole(Role.newBuilder().setRoleId(request.getRoleId()))
              .setConsistencyToken(request.getRequestId())
              .build());
      response.onCompleted();
    }

    @Override
    public void listRoleRevisions(
        ListRoleRevisionsRequest request, StreamObserver<ListRoleRevisionsResponse> response) {
      response.onNext(
          ListRoleRevisionsResponse.newBuilder()
              .addRevisions(
                  RoleRevision.newBuilder()
                      .setRole(Role.newBuilder().setRoleId(request.getRoleId())))
              .build());
      response.onCompleted();
    }

    @Override
    public void listChanges(
        ListChangesRequest request, StreamObserver<ListChangesResponse> response) {
      String token = request.getPageToken();
      int page = token.isEmpty() ? 0 : Integer.parseInt(token);
      ListChangesResponse.Builder answer = ListChangesResponse.newBuilder();
      answer.addChanges(RecordedChange.newBuilder().setRevision(request.getStartRevision() + page));
      if (page < 2) {
        answer.setNextPageToken(String.valueOf(page + 1));
      }
      response.onNext(answer.build());
      response.onCompleted();
    }

    @Override
    public StreamObserver<ApplyRolesRequest> applyRoles(
        StreamObserver<ApplyRolesResponse> response) {
      return new StreamObserver<>() {
        @Override
        public void onNext(ApplyRolesRequest part) {
          applied.add(part);
        }

        @Override
        public void onError(Throwable error) {
          failed.incrementAndGet();
        }

        @Override
        public void onCompleted() {
          finished.incrementAndGet();
          response.onNext(ApplyRolesResponse.getDefaultInstance());
          response.onCompleted();
        }
      };
    }
  }
}
