package com.rolecall.client.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("conformance")
class ExamplesTest {
  private final World world = World.fromEnv();

  @Test
  void theExampleOfChecksRuns() throws Exception {
    List<String> lines = run("Check", world.address("plain"));

    assertEquals("true DECISION_REASON_ALLOW", lines.get(0));
    assertTrue(lines.contains("0 roles"));
  }

  @Test
  void theExampleOfRolesRuns() throws Exception {
    List<String> lines = run("Roles", world.address("plain"));

    assertTrue(lines.contains("true"));
    assertTrue(lines.contains("ROLE_NOT_FOUND"));
  }

  @Test
  void theBenchMeasures() throws Exception {
    List<String> lines = run("Bench", world.address("plain"), world.address("agent"), "10");

    assertTrue(lines.get(0).startsWith("{\"calls\": 10, \"cpu_seconds\": "));
  }

  private List<String> run(String name, String... arguments) throws Exception {
    world.control("/reset", new JsonObject());
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    PrintStream before = System.out;
    System.setOut(new PrintStream(written, true, StandardCharsets.UTF_8));
    try {
      Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
    } finally {
      System.setOut(before);
    }
    return written.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
