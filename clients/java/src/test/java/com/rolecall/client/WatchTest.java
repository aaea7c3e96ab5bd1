package com.rolecall.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rolecall.v1.ResyncRequired;
import com.rolecall.v1.Role;
import com.rolecall.v1.RoleWatchChange;
import com.rolecall.v1.WatchCheckpoint;
import com.rolecall.v1.WatchRolesRequest;
import com.rolecall.v1.WatchRolesResponse;
import com.rolecall.v1.WatchServiceGrpc;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WatchTest {
  private final Feed feed = new Feed();
  private FakeService service;
  private RolecallClient client;

  @BeforeEach
  void start() {
    service = FakeService.start(feed);
    client = RolecallClient.builder(service.address()).build();
  }

  @AfterEach
  void stop() {
    client.close();
    service.close();
  }

  @Test
  void eachChangeIsReturnedOnceOverABrokenStream() {
    AtomicInteger resumed = new AtomicInteger();
    AtomicInteger opened = new AtomicInteger();
    feed.then(
        send(List.of(change(1), checkpoint(1), change(2), failing(Status.Code.UNAVAILABLE, ""))));
    feed.then(send(List.of(change(2), change(3), checkpoint(3))));
    WatchOptions options =
        WatchOptions.builder()
            .startToken("token-0")
            .accounts("1")
            .onResume(error -> resumed.incrementAndGet())
            .onOpen(opened::incrementAndGet)
            .build();

    List<Long> revisions = new ArrayList<>();
    try (RoleWatch watch = client.watchRoles(options)) {
      for (WatchEvent event : watch) {
        if (event instanceof WatchEvent.Changed changed) {
          revisions.add(changed.change().getRevision());
        } else if (event instanceof WatchEvent.Checkpoint seen
            && seen.checkpoint().getRevision() == 3) {
          break;
        }
      }
    }

    assertEquals(List.of(1L, 2L, 3L), revisions);
    assertEquals("token-0", feed.requests.get(0).getStartToken());
    assertEquals("token-1", feed.requests.get(1).getStartToken());
    assertEquals(List.of("1"), feed.requests.get(1).getAccountIdsList());
    assertEquals(1, resumed.get());
    assertEquals(2, opened.get());
  }

  @Test
  void changesThatAreLostAreAnErrorOfTheirOwn() {
    feed.then(
        response ->
            response.onNext(
                WatchRolesResponse.newBuilder()
                    .setResyncRequired(ResyncRequired.newBuilder().setReason("too old"))
                    .build()));

    try (RoleWatch watch = client.watchRoles(WatchOptions.builder().build())) {
      assertEquals(
          "too old", assertThrows(ResyncRequiredException.class, watch::next).getMessage());
    }
  }

  @Test
  void aStateThatBreaksBeforeItIsCompleteMustBeReadAgain() {
    feed.then(send(List.of(change(1), failing(Status.Code.UNAVAILABLE, ""))));

    try (RoleWatch watch =
        client.watchRoles(WatchOptions.builder().includeInitialState().build())) {
      watch.next();

      assertThrows(ResyncRequiredException.class, watch::next);
    }
  }

  @Test
  void aClientThatIsTooSlowIsResumedAndAnotherErrorIsNot() {
    feed.then(
        send(List.of(checkpoint(1), failing(Status.Code.RESOURCE_EXHAUSTED, "WATCH_TOO_SLOW"))));
    feed.then(send(List.of(checkpoint(2), failing(Status.Code.PERMISSION_DENIED, "DENIED"))));

    try (RoleWatch watch = client.watchRoles(WatchOptions.builder().build())) {
      watch.next();
      watch.next();

      assertThrows(AccessDeniedException.class, watch::next);
    }
  }

  @Test
  void anotherThreadMayCloseAWatchThatWaits() throws Exception {
    feed.then(send(List.of(checkpoint(1))));
    RoleWatch watch = client.watchRoles(WatchOptions.builder().build());
    watch.next();
    CompletableFuture<Boolean> more = CompletableFuture.supplyAsync(watch::hasNext);

    watch.close();

    assertFalse(more.get(10, TimeUnit.SECONDS));
  }

  @Test
  void closingTheClientEndsAWatch() throws Exception {
    feed.then(send(List.of(checkpoint(1))));
    RoleWatch watch = client.watchRoles(WatchOptions.builder().build());
    watch.next();
    CompletableFuture<RolecallException> ended =
        CompletableFuture.supplyAsync(() -> assertThrows(RolecallException.class, watch::hasNext));

    client.close();

    assertEquals("the client is closed", ended.get(10, TimeUnit.SECONDS).getMessage());
  }

  @Test
  void aServiceThatStaysAwayIsGivenUp() {
    for (int i = 0; i < 100; i++) {
      feed.then(send(List.of(failing(Status.Code.UNAVAILABLE, ""))));
    }
    RolecallClient hasty = client.withTimeout(java.time.Duration.ofMillis(300));

    try (RoleWatch watch = hasty.watchRoles(WatchOptions.builder().build())) {
      assertThrows(UnavailableException.class, watch::next);
    }
    assertTrue(feed.requests.size() > 1);
  }

  private static Consumer<StreamObserver<WatchRolesResponse>> send(
      List<Consumer<StreamObserver<WatchRolesResponse>>> steps) {
    return response -> steps.forEach(step -> step.accept(response));
  }

  private static Consumer<StreamObserver<WatchRolesResponse>> change(long revision) {
    return response ->
        response.onNext(
            WatchRolesResponse.newBuilder()
                .setChange(
                    RoleWatchChange.newBuilder()
                        .setRevision(revision)
                        .setRole(Role.newBuilder().setRoleId("7")))
                .build());
  }

  private static Consumer<StreamObserver<WatchRolesResponse>> checkpoint(long revision) {
    return response ->
        response.onNext(
            WatchRolesResponse.newBuilder()
                .setCheckpoint(
                    WatchCheckpoint.newBuilder()
                        .setRevision(revision)
                        .setToken("token-" + revision))
                .build());
  }

  private static Consumer<StreamObserver<WatchRolesResponse>> failing(
      Status.Code code, String reason) {
    return response -> response.onError(FakeService.failure(code, reason));
  }

  /** Sends on each stream what comes next. */
  private static final class Feed extends WatchServiceGrpc.WatchServiceImplBase {
    final List<WatchRolesRequest> requests = new CopyOnWriteArrayList<>();
    private final LinkedBlockingQueue<Consumer<StreamObserver<WatchRolesResponse>>> streams =
        new LinkedBlockingQueue<>();

    void then(Consumer<StreamObserver<WatchRolesResponse>> stream) {
      streams.add(stream);
    }

    @Override
    public void watchRoles(WatchRolesRequest request, StreamObserver<WatchRolesResponse> response) {
      requests.add(request);
      Consumer<StreamObserver<WatchRolesResponse>> next = streams.poll();
      if (next != null) {
        next.accept(response);
      }
    }
  }
}
