package com.rolecall.client.conformance;

import static com.rolecall.client.conformance.World.message;
import static com.rolecall.client.conformance.World.objects;
import static com.rolecall.client.conformance.World.requireKnown;
import static com.rolecall.client.conformance.World.string;
import static com.rolecall.client.conformance.World.strings;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Message;
import com.rolecall.client.CheckStream;
import com.rolecall.client.RoleWatch;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.RolecallException;
import com.rolecall.client.WatchEvent;
import com.rolecall.client.WatchOptions;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.BatchCheckAssumeRoleResponse;
import com.rolecall.v1.CheckAssumeRoleRequest;
import com.rolecall.v1.Consistency;
import com.rolecall.v1.CreateRoleRequest;
import com.rolecall.v1.Decision;
import com.rolecall.v1.DeleteRoleRequest;
import com.rolecall.v1.ExplainAssumeRoleRequest;
import com.rolecall.v1.StreamCheckAssumeRoleResponse;
import com.rolecall.v1.UpdateRoleRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** Runs the steps of one scenario with one client. tests/conformance/README.md describes them. */
final class Interpreter {
  private final World world;
  private final RolecallClient client;
  private final Expectations expectations;
  private final Map<String, AssumeRoleQuery> queries = new HashMap<>();

  Interpreter(World world, RolecallClient client, JsonObject queries) {
    this.world = world;
    this.client = client;
    this.expectations = new Expectations(world);
    for (Map.Entry<String, JsonElement> entry : queries.entrySet()) {
      this.queries.put(
          entry.getKey(), message(entry.getValue(), AssumeRoleQuery.getDefaultInstance()));
    }
  }

  void run(JsonElement steps) {
    objects(steps).forEach(this::step);
  }

  private void step(JsonObject step) {
    try {
      switch (string(step, "do")) {
        case "control" -> control(step);
        case "check" -> check(step);
        case "explain" -> explain(step);
        case "batch" -> batch(step);
        case "stream" -> stream(step);
        case "call" -> call(step);
        case "whoami" -> whoAmI(step);
        case "until" -> until(step);
        case "load" -> load(step);
        case "watch" -> watch(step);
        case "close" -> close(step);
        default -> throw new AssertionError("there is no such step");
      }
    } catch (AssertionError error) {
      String shown = step.toString();
      throw new AssertionError(shown.substring(0, Math.min(200, shown.length())), error);
    }
  }

  private void control(JsonObject step) {
    requireKnown(step, "do", "path", "body");
    world.control(
        string(step, "path"), step.has("body") ? step.getAsJsonObject("body") : new JsonObject());
  }

  private void check(JsonObject step) {
    requireKnown(step, "do", "query", "expect", "consistency", "timeout_seconds");
    CheckAssumeRoleRequest.Builder request =
        CheckAssumeRoleRequest.newBuilder().setQuery(query(step));
    if (step.has("consistency")) {
      request.setConsistency(message(step.get("consistency"), Consistency.getDefaultInstance()));
    }
    expectations.decision(expect(step), () -> timed(step).check(request.build()).getDecision());
  }

  private void explain(JsonObject step) {
    requireKnown(step, "do", "query", "expect", "consistency", "timeout_seconds");
    ExplainAssumeRoleRequest.Builder request =
        ExplainAssumeRoleRequest.newBuilder().setQuery(query(step));
    if (step.has("consistency")) {
      request.setConsistency(message(step.get("consistency"), Consistency.getDefaultInstance()));
    }
    expectations.decision(expect(step), () -> timed(step).explain(request.build()).getDecision());
  }

  private void batch(JsonObject step) {
    requireKnown(step, "do", "queries", "count", "expect");
    List<AssumeRoleQuery> asked = new ArrayList<>();
    rotated(step).forEachRemaining(asked::add);
    BatchCheckAssumeRoleResponse answer = client.batchCheck(asked);
    require(answer.getResultsCount() == asked.size(), answer.getResultsCount() + " results");
    List<JsonObject> expected = objects(step.get("expect"));
    for (int i = 0; i < asked.size(); i++) {
      var result = answer.getResults(i);
      expectations.decision(
          expected.get(i % expected.size()),
          () -> result.hasError() ? raise(result.getError()) : result.getDecision());
    }
  }

  private void stream(JsonObject step) {
    requireKnown(step, "do", "queries", "count", "in_flight", "expect", "at", "then");
    List<JsonObject> expected = objects(step.get("expect"));
    Set<Integer> stops = new HashSet<>();
    if (step.has("at")) {
      step.getAsJsonArray("at").forEach(one -> stops.add(one.getAsInt()));
    }
    int count = step.get("count").getAsInt();
    try (CheckStream answers =
        client.streamCheck(rotated(step), step.get("in_flight").getAsInt())) {
      for (int i = 0; i < count; i++) {
        JsonObject expect = expected.get(i % expected.size());
        StreamCheckAssumeRoleResponse answer;
        try {
          answer = answers.next();
        } catch (RolecallException error) {
          expectations.error(expect, error);
          return;
        }
        require(answer.getSequence() == i, "answer " + i + " is that of " + answer.getSequence());
        expectations.decision(expect, () -> decision(answer));
        if (stops.contains(i + 1)) {
          run(step.get("then"));
        }
      }
      require(!answers.hasNext(), "there are more answers than queries");
    }
  }

  private void call(JsonObject step) {
    requireKnown(step, "do", "method", "request", "expect", "timeout_seconds");
    JsonObject request = step.getAsJsonObject("request");
    RolecallClient timed = timed(step);
    expectations.decision(
        expect(step),
        () -> {
          switch (string(step, "method")) {
            case "GetRole" -> timed.getRole(string(request, "role"));
            case "CreateRole" ->
                timed.createRole(read(request, CreateRoleRequest.getDefaultInstance()));
            case "UpdateRole" ->
                timed.updateRole(read(request, UpdateRoleRequest.getDefaultInstance()));
            case "DeleteRole" ->
                timed.deleteRole(read(request, DeleteRoleRequest.getDefaultInstance()));
            default -> throw new AssertionError("there is no such method");
          }
          return Decision.getDefaultInstance();
        });
  }

  private void whoAmI(JsonObject step) {
    requireKnown(step, "do", "expect");
    String identity;
    try {
      identity = client.whoAmI().getIdentity();
    } catch (RolecallException error) {
      expectations.error(expect(step), error);
      return;
    }
    require(identity.equals(string(expect(step), "identity")), "the identity is " + identity);
  }

  private void until(JsonObject step) {
    requireKnown(step, "do", "seconds", "step");
    long until = System.nanoTime() + World.seconds(step.get("seconds")).toNanos();
    while (true) {
      try {
        step(step.getAsJsonObject("step"));
        return;
      } catch (AssertionError error) {
        if (System.nanoTime() > until) {
          throw error;
        }
      }
      Waiting.shortly();
    }
  }

  private void load(JsonObject step) {
    requireKnown(step, "do", "workers", "calls", "query", "during");
    Load load = new Load(client, query(step));
    load.start(strings(step.get("calls")), step.get("workers").getAsInt());
    try {
      run(step.get("during"));
      load.awaitAnswers();
    } finally {
      load.end();
    }
    load.requireNoFailure();
  }

  private void watch(JsonObject step) {
    requireKnown(step, "do", "role", "during", "expect");
    String role = string(step, "role");
    String token = describe(role, "begin");
    CompletableFuture<List<String>> seen = Waiting.start(() -> descriptions(role, token));
    try {
      run(step.get("during"));
    } finally {
      describe(role, "end");
    }
    List<String> found = Waiting.result(seen);
    require(found.equals(strings(step.get("expect"))), "the watch saw " + found);
  }

  private List<String> descriptions(String role, String token) {
    List<String> found = new ArrayList<>();
    try (RoleWatch watch = watching(token)) {
      for (WatchEvent event : watch) {
        if (event instanceof WatchEvent.Changed changed
            && changed.change().getRole().getRoleName().equals(role)) {
          String description = changed.change().getRole().getDescription();
          if (description.equals("end")) {
            return found;
          }
          found.add(description);
        }
      }
    }
    throw new AssertionError("the watch ended");
  }

  private void close(JsonObject step) {
    requireKnown(step, "do", "open");
    List<CompletableFuture<Boolean>> callers = new ArrayList<>();
    for (String name : strings(step.get("open"))) {
      callers.add(opened(name));
    }
    client.close();
    callers.forEach(Waiting::ended);
  }

  private CompletableFuture<Boolean> opened(String name) {
    CompletableFuture<Boolean> begun = new CompletableFuture<>();
    CompletableFuture<Boolean> caller =
        switch (name) {
          case "check" -> {
            begun.complete(true);
            yield Waiting.start(() -> client.check(queries.get("orders")).hasDecision());
          }
          case "stream" -> Waiting.start(() -> halfRead(begun));
          case "watch" -> {
            String token = describe("watched", "begin");
            yield Waiting.start(() -> waiting(token, begun));
          }
          default -> throw new AssertionError("there is no such call");
        };
    Waiting.until(() -> begun.isDone() || caller.isDone());
    return caller;
  }

  private boolean halfRead(CompletableFuture<Boolean> begun) {
    CompletableFuture<Boolean> read = new CompletableFuture<>();
    Iterator<AssumeRoleQuery> first = List.of(queries.get("orders")).iterator();
    Iterator<AssumeRoleQuery> asked =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return first.hasNext() || !Waiting.result(read);
          }

          @Override
          public AssumeRoleQuery next() {
            return first.next();
          }
        };
    try (CheckStream answers = client.streamCheck(asked, 1)) {
      answers.next();
      begun.complete(true);
      read.complete(true);
      return answers.hasNext();
    }
  }

  private boolean waiting(String token, CompletableFuture<Boolean> begun) {
    try (RoleWatch watch = watching(token)) {
      watch.forEach(event -> begun.complete(true));
    }
    return true;
  }

  private RoleWatch watching(String token) {
    return client.watchRoles(WatchOptions.builder().startToken(token).build());
  }

  private String describe(String role, String description) {
    return client
        .updateRole(
            UpdateRoleRequest.newBuilder().setRole(role).setDescription(description).build())
        .getConsistencyToken();
  }

  private Iterator<AssumeRoleQuery> rotated(JsonObject step) {
    List<String> names = strings(step.get("queries"));
    return IntStream.range(0, step.get("count").getAsInt())
        .mapToObj(i -> queries.get(names.get(i % names.size())))
        .iterator();
  }

  private RolecallClient timed(JsonObject step) {
    return step.has("timeout_seconds")
        ? client.withTimeout(World.seconds(step.get("timeout_seconds")))
        : client;
  }

  private AssumeRoleQuery query(JsonObject step) {
    return queries.get(string(step, "query"));
  }

  private static JsonObject expect(JsonObject step) {
    return step.getAsJsonObject("expect");
  }

  private static <M extends Message> M read(JsonObject request, M type) {
    return message(request, type);
  }

  private static Decision decision(StreamCheckAssumeRoleResponse answer) {
    return answer.hasError() ? raise(answer.getError()) : answer.getDecision();
  }

  private static Decision raise(com.google.rpc.Status status) {
    throw RolecallException.of(status);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new AssertionError(message);
    }
  }
}
