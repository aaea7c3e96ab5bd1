package com.rolecall.client.conformance;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.rolecall.client.AbortedException;
import com.rolecall.client.AccessDeniedException;
import com.rolecall.client.AlreadyExistsException;
import com.rolecall.client.DeadlineExceededException;
import com.rolecall.client.InvalidArgumentException;
import com.rolecall.client.NotAuthenticatedException;
import com.rolecall.client.NotFoundException;
import com.rolecall.client.ResourceExhaustedException;
import com.rolecall.client.RolecallException;
import com.rolecall.client.UnavailableException;
import com.rolecall.client.Violation;
import com.rolecall.v1.Decision;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Compares answers with what the script expects of them. */
final class Expectations {
  private static final Map<String, Class<? extends RolecallException>> KINDS =
      Map.of(
          "UNAVAILABLE", UnavailableException.class,
          "DEADLINE_EXCEEDED", DeadlineExceededException.class,
          "PERMISSION_DENIED", AccessDeniedException.class,
          "UNAUTHENTICATED", NotAuthenticatedException.class,
          "INVALID_ARGUMENT", InvalidArgumentException.class,
          "NOT_FOUND", NotFoundException.class,
          "ALREADY_EXISTS", AlreadyExistsException.class,
          "ABORTED", AbortedException.class,
          "RESOURCE_EXHAUSTED", ResourceExhaustedException.class);

  private final World world;

  Expectations(World world) {
    this.world = world;
  }

  /** Asks, and compares the decision; null stands for an answer without one. */
  void decision(JsonObject expect, Supplier<Decision> ask) {
    World.requireKnown(expect, "decision", "error");
    Decision found;
    try {
      found = ask.get();
    } catch (RolecallException error) {
      error(expect, error);
      return;
    }
    if (expect.has("error")) {
      throw new AssertionError("no error, but " + found);
    }
    if (expect.has("decision")) {
      expect.getAsJsonObject("decision").entrySet().forEach(one -> value(found, one));
    }
  }

  void error(JsonObject expect, RolecallException error) {
    if (!expect.has("error")) {
      throw new AssertionError(error.code() + " " + error.reason(), error);
    }
    JsonObject expected = expect.getAsJsonObject("error");
    World.requireKnown(expected, "code", "reason", "violations");
    String code = World.string(expected, "code");
    Class<?> kind = KINDS.getOrDefault(code, RolecallException.class);
    boolean known =
        !expected.has("reason") || error.reason().equals(World.string(expected, "reason"));
    if (!error.code().name().equals(code) || !kind.isInstance(error) || !known) {
      throw new AssertionError(error.code() + " " + error.reason() + " is no " + kind, error);
    }
    if (expected.has("violations")) {
      World.objects(expected.get("violations")).forEach(one -> violation(one, error.violations()));
    }
  }

  private void value(Decision decision, Map.Entry<String, JsonElement> expected) {
    JsonElement value = expected.getValue();
    boolean holds =
        switch (expected.getKey()) {
          case "allowed" -> decision.getAllowed() == value.getAsBoolean();
          case "reason" -> reason(decision).equals(value.getAsString());
          case "by" -> World.strings(value).contains(process(decision));
          default -> throw new AssertionError("nothing is known about " + expected.getKey());
        };
    if (!holds) {
      throw new AssertionError("not " + expected + ": " + decision);
    }
  }

  private String process(Decision decision) {
    JsonObject body = new JsonObject();
    body.addProperty("decision_id", decision.getDecisionId());
    return World.string(world.control("/who", body), "process");
  }

  static String reason(Decision decision) {
    return decision.getReason().name().replace("DECISION_REASON_", "");
  }

  private static void violation(JsonObject expected, List<Violation> found) {
    if (found.stream().noneMatch(one -> matches(expected, one))) {
      throw new AssertionError("no " + expected + " among " + found);
    }
  }

  private static boolean matches(JsonObject expected, Violation found) {
    Map<String, String> values =
        Map.of(
            "field", found.field(),
            "reason", found.reason(),
            "pointer", found.pointer(),
            "line", String.valueOf(found.line()),
            "column", String.valueOf(found.column()));
    return expected.entrySet().stream()
        .allMatch(one -> values.get(one.getKey()).equals(one.getValue().getAsString()));
  }
}
