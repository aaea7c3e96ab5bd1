package com.rolecall.client.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.rolecall.client.FileToken;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.RolecallClientBuilder;
import com.rolecall.client.TlsFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;

/** The world of the conformance run: servers, files, and what makes them fail. */
final class World {
  private static final String VARIABLE = "ROLECALL_CONFORMANCE";
  private static final int LONGEST_MILLIS = 120_000;

  private final JsonObject facts;

  private World(JsonObject facts) {
    this.facts = facts;
  }

  /** Returns the world that the environment names; the tests are left out if it names none. */
  static World fromEnv() {
    String path = System.getenv(VARIABLE);
    Assumptions.assumeTrue(
        path != null && !path.isEmpty(),
        "the conformance tests are left out: " + VARIABLE + " is not set");
    return new World(parse(Path.of(path)));
  }

  static String only() {
    return System.getenv().getOrDefault(VARIABLE + "_ONLY", "");
  }

  JsonObject faults() {
    return parse(Path.of(text("faults")));
  }

  List<JsonObject> vectors() {
    try {
      return Files.readAllLines(Path.of(text("vectors"))).stream()
          .map(line -> JsonParser.parseString(line).getAsJsonObject())
          .toList();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Returns the client that a scenario means. */
  RolecallClient client(JsonObject options) {
    requireKnown(options, "target", "tls", "server_name", "token_file", "agent", "timeout_seconds");
    RolecallClientBuilder builder = RolecallClient.builder(address(string(options, "target")));
    if (options.has("tls")) {
      builder.tls(tls(options));
    }
    if (options.has("token_file")) {
      builder.token(new FileToken(Path.of(text("token_file"))));
    }
    if (options.has("agent")) {
      builder.agent(addresses().get("agent").getAsString());
    }
    if (options.has("timeout_seconds")) {
      builder.timeout(seconds(options.get("timeout_seconds")));
    }
    return builder.build();
  }

  /** Lets something happen; returns the answer. */
  JsonObject control(String path, JsonObject body) {
    try {
      URI uri = URI.create(text("control") + path);
      HttpURLConnection request = (HttpURLConnection) uri.toURL().openConnection();
      request.setRequestMethod("POST");
      request.setReadTimeout(LONGEST_MILLIS);
      request.setDoOutput(true);
      request.getOutputStream().write(body.toString().getBytes(StandardCharsets.UTF_8));
      if (request.getResponseCode() != 200) {
        String why = new String(request.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        throw new AssertionError(path + ": " + why);
      }
      String answer = new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return answer.isBlank() ? new JsonObject() : JsonParser.parseString(answer).getAsJsonObject();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  static Duration seconds(JsonElement value) {
    return Duration.ofNanos((long) (value.getAsDouble() * 1e9));
  }

  static String string(JsonObject object, String name) {
    return object.get(name).getAsString();
  }

  static List<JsonObject> objects(JsonElement array) {
    return StreamSupport.stream(((JsonArray) array).spliterator(), false)
        .map(JsonElement::getAsJsonObject)
        .toList();
  }

  static List<String> strings(JsonElement array) {
    return StreamSupport.stream(((JsonArray) array).spliterator(), false)
        .map(JsonElement::getAsString)
        .toList();
  }

  /** Reads a message of the contract from its proto JSON. */
  @SuppressWarnings("unchecked")
  static <M extends Message> M message(JsonElement json, M type) {
    try {
      Message.Builder builder = type.newBuilderForType();
      JsonFormat.parser().merge(json.toString(), builder);
      return (M) builder.build();
    } catch (InvalidProtocolBufferException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Refuses a field that this interpreter does not know: it would be a step that tests nothing. */
  static void requireKnown(JsonObject object, String... names) {
    Set<String> known = Set.of(names);
    for (Map.Entry<String, JsonElement> entry : object.entrySet()) {
      if (!known.contains(entry.getKey())) {
        throw new AssertionError("there is no field `" + entry.getKey() + "` of " + object);
      }
    }
  }

  String address(String target) {
    if (!target.equals("headless")) {
      return addresses().get(target).getAsString();
    }
    JsonObject headless = addresses().getAsJsonObject("headless");
    String hosts = string(headless, "hosts_file");
    if (!hosts.equals(System.getProperty("jdk.net.hosts.file"))) {
      throw new AssertionError("Java needs the hosts file of the world: -Drolecall.hosts=" + hosts);
    }
    return string(headless, "name") + ":" + string(headless, "port");
  }

  private TlsFiles tls(JsonObject options) {
    JsonObject files = options.getAsJsonObject("tls");
    requireKnown(files, "ca", "cert", "key");
    JsonObject given = facts.getAsJsonObject("tls");
    TlsFiles tls = TlsFiles.of(Path.of(string(given, string(files, "ca"))));
    if (files.has("cert")) {
      tls =
          tls.withClient(
              Path.of(string(given, string(files, "cert"))),
              Path.of(string(given, string(files, "key"))));
    }
    return tls.withServerName(string(options.has("server_name") ? options : given, "server_name"));
  }

  private JsonObject addresses() {
    return facts.getAsJsonObject("addresses");
  }

  private String text(String name) {
    return string(facts, name);
  }

  private static JsonObject parse(Path path) {
    try {
      return JsonParser.parseString(Files.readString(path)).getAsJsonObject();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
