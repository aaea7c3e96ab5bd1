package com.rolecall.client.conformance;

import com.rolecall.client.CheckStream;
import com.rolecall.client.RolecallClient;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.Decision;
import com.rolecall.v1.StreamCheckAssumeRoleResponse;
import com.rolecall.v1.UpdateRoleRequest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Callers that repeat calls without pause, of which none may fail. */
final class Load {
  private static final int BATCH = 20;
  private static final int IN_FLIGHT = 4;
  private static final AtomicInteger WRITES = new AtomicInteger();

  private final RolecallClient client;
  private final AssumeRoleQuery query;
  private final Map<String, AtomicInteger> answered = new ConcurrentHashMap<>();
  private final List<CompletableFuture<Boolean>> callers = new ArrayList<>();
  private volatile boolean ended;

  Load(RolecallClient client, AssumeRoleQuery query) {
    this.client = client;
    this.query = query;
  }

  void start(List<String> calls, int workers) {
    for (String name : calls) {
      AtomicInteger count = new AtomicInteger();
      answered.put(name, count);
      for (int i = 0; i < workers; i++) {
        callers.add(Waiting.start(() -> calling(name, count)));
      }
    }
  }

  void awaitAnswers() {
    Waiting.until(
        () ->
            answered.values().stream().allMatch(count -> count.get() > 0)
                || callers.stream().anyMatch(CompletableFuture::isDone));
  }

  void end() {
    ended = true;
    callers.forEach(Waiting::ended);
  }

  void requireNoFailure() {
    callers.forEach(Waiting::result);
    answered.forEach(
        (name, count) -> {
          if (count.get() == 0) {
            throw new AssertionError("no answer of " + name);
          }
        });
  }

  private boolean calling(String name, AtomicInteger count) {
    switch (name) {
      case "check" -> repeat(count, n -> allowed(client.check(query).getDecision()));
      case "batch" ->
          repeat(
              count,
              n ->
                  client
                      .batchCheck(Collections.nCopies(BATCH, query))
                      .getResultsList()
                      .forEach(result -> allowed(result.getDecision())));
      case "stream" -> stream(count);
      case "update" ->
          repeat(
              count,
              n ->
                  client.updateRole(
                      UpdateRoleRequest.newBuilder()
                          .setRole("written")
                          .setDescription("write " + WRITES.incrementAndGet())
                          .build()));
      default -> throw new AssertionError("there is no call " + name);
    }
    return true;
  }

  private void repeat(AtomicInteger count, Consumer<Integer> call) {
    while (!ended) {
      call.accept(count.get());
      count.incrementAndGet();
    }
  }

  private void stream(AtomicInteger count) {
    Iterator<AssumeRoleQuery> queries =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return !ended;
          }

          @Override
          public AssumeRoleQuery next() {
            return query;
          }
        };
    long number = 0;
    try (CheckStream answers = client.streamCheck(queries, IN_FLIGHT)) {
      for (StreamCheckAssumeRoleResponse answer : answers) {
        allowed(answer.getDecision());
        if (answer.getSequence() != number) {
          throw new AssertionError("answer " + number + " is that of " + answer.getSequence());
        }
        number++;
        count.incrementAndGet();
      }
    }
  }

  private static void allowed(Decision decision) {
    if (!decision.getAllowed()) {
      throw new AssertionError("denied under load: " + decision);
    }
  }
}
