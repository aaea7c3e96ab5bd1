package com.rolecall.client.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Timestamp;
import com.rolecall.client.CheckStream;
import com.rolecall.client.InvalidArgumentException;
import com.rolecall.client.RolecallClient;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.Decision;
import com.rolecall.v1.DeterminingStatement;
import com.rolecall.v1.ExplainAssumeRoleRequest;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("conformance")
class VectorsTest {
  private static final int BATCH = 500;

  private static World world;
  private static RolecallClient client;
  private static List<JsonObject> decided;
  private static List<JsonObject> malformed;

  @BeforeAll
  static void start() {
    world = World.fromEnv();
    List<JsonObject> all = world.vectors();
    decided = all.stream().filter(one -> one.has("decision")).toList();
    malformed = all.stream().filter(one -> one.has("error")).toList();
    client = plain(false);
    assertTrue(decided.size() > 2_000 && !malformed.isEmpty());
  }

  @AfterAll
  static void stop() {
    if (client != null) {
      client.close();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCheckGivesEveryDecision(boolean agent) {
    try (RolecallClient asked = plain(agent)) {
      assertSame(queries().stream().map(one -> asked.check(one).getDecision()).toList());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aBatchGivesEveryDecision(boolean agent) {
    List<AssumeRoleQuery> queries = queries();
    List<Decision> found = new ArrayList<>();
    try (RolecallClient asked = plain(agent)) {
      for (int at = 0; at < queries.size(); at += BATCH) {
        var batch = queries.subList(at, Math.min(at + BATCH, queries.size()));
        asked.batchCheck(batch).getResultsList().forEach(result -> found.add(result.getDecision()));
      }
    }

    assertSame(found);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStreamGivesEveryDecision(boolean agent) {
    List<Decision> found = new ArrayList<>();
    try (RolecallClient asked = plain(agent);
        CheckStream answers = asked.streamCheck(queries().iterator())) {
      answers.forEach(answer -> found.add(answer.getDecision()));
    }

    assertSame(found);
  }

  @Test
  void anExplanationAtTheTimeOfTheVectorHasWhatIsExpected() {
    List<String> different = new ArrayList<>();
    for (JsonObject vector : decided) {
      ExplainAssumeRoleRequest request =
          ExplainAssumeRoleRequest.newBuilder()
              .setQuery(query(vector))
              .setAssumeTime(timestamp(instant(vector.get("assume_time"))))
              .build();
      if (!isExpected(client.explain(request).getDecision(), vector.getAsJsonObject("expected"))) {
        different.add(World.string(vector, "id"));
      }
    }

    assertEquals(List.of(), different);
  }

  @Test
  void aMalformedQueryIsAnErrorWithTheReason() {
    for (JsonObject vector : malformed) {
      var error = assertThrows(InvalidArgumentException.class, () -> client.check(query(vector)));

      String reason = World.string(vector, "error");
      assertTrue(error.violations().stream().anyMatch(one -> one.reason().equals(reason)));
    }
  }

  private static RolecallClient plain(boolean agent) {
    JsonObject options = new JsonObject();
    options.addProperty("target", "plain");
    if (agent) {
      options.addProperty("agent", true);
    }
    return world.client(options);
  }

  private static List<AssumeRoleQuery> queries() {
    return decided.stream().map(VectorsTest::query).toList();
  }

  private static AssumeRoleQuery query(JsonObject vector) {
    return World.message(vector.get("query"), AssumeRoleQuery.getDefaultInstance());
  }

  private static void assertSame(List<Decision> found) {
    assertEquals(decided.size(), found.size());
    List<String> different = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      Decision plain =
          found.get(i).toBuilder()
              .clearDecisionId()
              .clearRevision()
              .clearServedFrom()
              .clearStaleness()
              .clearValidFor()
              .build();
      JsonElement expected = decided.get(i).get("decision");
      if (!plain.equals(World.message(expected, Decision.getDefaultInstance()))) {
        different.add(World.string(decided.get(i), "id"));
      }
    }
    assertEquals(List.of(), different);
  }

  private static boolean isExpected(Decision decision, JsonObject expected) {
    List<String> determining =
        decision.getDeterminingStatementsList().stream()
            .map(DeterminingStatement::getPointer)
            .toList();
    JsonElement until = expected.get("valid_until");
    Timestamp expectedUntil = until.isJsonNull() ? null : timestamp(instant(until));
    Timestamp foundUntil = decision.hasValidUntil() ? decision.getValidUntil() : null;
    return decision.getAllowed() == expected.get("allowed").getAsBoolean()
        && Expectations.reason(decision).equals(World.string(expected, "reason"))
        && determining.equals(World.strings(expected.get("determining")))
        && List.copyOf(decision.getMissingKeysList())
            .equals(World.strings(expected.get("missing_keys")))
        && (foundUntil == null ? expectedUntil == null : foundUntil.equals(expectedUntil));
  }

  private static Instant instant(JsonElement time) {
    return OffsetDateTime.parse(time.getAsString()).toInstant();
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }
}
