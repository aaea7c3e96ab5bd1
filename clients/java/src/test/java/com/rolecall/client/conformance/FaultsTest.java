package com.rolecall.client.conformance;

import static com.rolecall.client.conformance.World.objects;
import static com.rolecall.client.conformance.World.string;

import com.google.gson.JsonObject;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.Threads;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("conformance")
class FaultsTest {
  @TestFactory
  Stream<DynamicTest> theClientDoesInEachScenarioWhatTheScriptExpects() {
    World world = World.fromEnv();
    JsonObject script = world.faults();
    return objects(script.get("scenarios")).stream()
        .filter(scenario -> string(scenario, "name").contains(World.only()))
        .map(
            scenario ->
                DynamicTest.dynamicTest(
                    string(scenario, "name"),
                    () -> run(world, scenario, script.getAsJsonObject("queries"))));
  }

  private static void run(World world, JsonObject scenario, JsonObject queries)
      throws InterruptedException {
    World.requireKnown(scenario, "name", "client", "steps");
    world.control("/reset", new JsonObject());
    Threads threads = new Threads();
    try (RolecallClient client = world.client(scenario.getAsJsonObject("client"))) {
      new Interpreter(world, client, queries).run(scenario.get("steps"));
    }
    threads.assertNoneLeft();
  }
}
