package com.rolecall.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.Decision;
import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AgentTest {
  private static final AssumeRoleQuery QUERY = Query.of("acs:ram::1:user/alice", "allowed");

  @TempDir Path folder;
  private Path socket;
  private FakeService service;
  private FakeService agent;
  private RolecallClient client;

  @BeforeEach
  void start() {
    socket = folder.resolve("agent.sock");
    service = FakeService.start();
    agent = FakeService.onSocket(socket);
    client =
        RolecallClient.builder(service.address()).agent("unix:" + socket).token("secret").build();
  }

  @AfterEach
  void stop() {
    client.close();
    agent.close();
    service.close();
  }

  @Test
  void theAgentAnswersChecksBatchesAndStreams() throws Exception {
    client.check(QUERY);
    client.async().check(QUERY).get();
    client.batchCheck(List.of(QUERY));
    client.streamCheck(List.of(QUERY).iterator()).forEach(answer -> {});

    assertEquals(4, agent.calls.get());
    assertEquals(0, service.calls.get());
    Metadata.Key<String> key = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    assertEquals("Bearer secret", agent.headers.get(0).get(key));
  }

  @Test
  void everythingElseGoesToTheService() {
    assertThrows(RolecallException.class, () -> client.explain(QUERY));

    assertEquals(0, agent.calls.get());
  }

  @Test
  void withoutAnAgentTheServiceAnswers() throws Exception {
    agent.close();
    Files.deleteIfExists(socket);

    assertTrue(client.check(QUERY).getDecision().getAllowed());
    assertTrue(client.async().check(QUERY).get().getDecision().getAllowed());
    assertEquals(1, client.batchCheck(List.of(QUERY)).getResultsCount());
    assertEquals(3, service.calls.get());
  }

  @Test
  void anAgentThatComesBackIsUsedAgain() throws Exception {
    agent.close();
    Files.deleteIfExists(socket);
    client.check(QUERY);
    agent = FakeService.onSocket(socket);

    assertTrue(
        Threads.eventually(
            () -> {
              client.check(QUERY);
              return agent.calls.get() > 0;
            }));
  }

  @Test
  void anAgentWithATooOldStateIsNotTheAnswer() throws Exception {
    agent.decide = query -> fail(Status.Code.UNAVAILABLE, "STATE_TOO_OLD");

    assertTrue(client.check(QUERY).getDecision().getAllowed());
    assertTrue(client.async().check(QUERY).get().getDecision().getAllowed());
    assertTrue(client.batchCheck(List.of(QUERY)).getResults(0).getDecision().getAllowed());
    assertTrue(client.streamCheck(List.of(QUERY).iterator()).next().getDecision().getAllowed());
  }

  @Test
  void everyOtherErrorOfTheAgentIsTheAnswer() {
    agent.decide = query -> fail(Status.Code.PERMISSION_DENIED, "NOT_ALLOWED");

    assertThrows(AccessDeniedException.class, () -> client.check(QUERY));
    var error = assertThrows(ExecutionException.class, () -> client.async().check(QUERY).get());
    assertTrue(error.getCause() instanceof AccessDeniedException);
    assertEquals(0, service.calls.get());
  }

  @Test
  void anAgentThatHangsLeavesTimeForTheService() throws Exception {
    agent.silent = true;
    RolecallClient hasty = client.withTimeout(Duration.ofMillis(600));

    assertTrue(hasty.check(QUERY).getDecision().getAllowed());
    assertTrue(hasty.async().check(QUERY).get().getDecision().getAllowed());
    assertTrue(client.streamCheck(List.of(QUERY).iterator()).next().getDecision().getAllowed());
  }

  @Test
  void whenBothHangTheCallEndsWithItsTimeLimit() {
    agent.silent = true;
    service.silent = true;

    assertThrows(
        DeadlineExceededException.class,
        () -> client.withTimeout(Duration.ofMillis(200)).check(QUERY));
  }

  @Test
  void aStreamThatTheAgentBreaksContinuesOnTheService() {
    agent.answersOfAStream = 5;

    List<Long> sequences = new ArrayList<>();
    client.streamCheck(queries(), 3).forEach(answer -> sequences.add(answer.getSequence()));

    assertEquals(IntStream.range(0, 20).mapToObj(n -> (long) n).toList(), sequences);
    assertEquals(1, agent.calls.get());
    assertEquals(1, service.calls.get());
  }

  @Test
  void anAgentThatRefusesTheCallerFailsAStream() {
    agent.close();
    client.close();
    client = RolecallClient.builder("127.0.0.1:1").agent("unix:" + socket).build();

    assertThrows(UnavailableException.class, () -> client.check(QUERY));
    assertThrows(UnavailableException.class, () -> client.streamCheck(queries(), 2).next());
  }

  @Test
  void closingLeavesNoThread() throws Exception {
    Threads threads = new Threads();
    try (RolecallClient other =
        RolecallClient.builder(service.address()).agent("unix://" + socket).build()) {
      other.check(QUERY);
      other.streamCheck(queries(), 2).forEach(answer -> {});
    }

    threads.assertNoneLeft();
    assertEquals(2, agent.calls.get());
  }

  private static Iterator<AssumeRoleQuery> queries() {
    return IntStream.range(0, 20).mapToObj(n -> QUERY).iterator();
  }

  private static Decision fail(Status.Code code, String reason) {
    throw FakeService.failure(code, reason);
  }
}
