package com.rolecall.client.contexts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rolecall.client.CommandToken;
import com.rolecall.client.ConnectionSettings;
import com.rolecall.client.FileToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContextsTest {
  private static final String FILE =
      """
      current: local
      contexts:
        local:
          address: 127.0.0.1:50051
          agent: unix:///run/rolecall/agent.sock
        prod:
          address: roles.prod.internal
          tls:
            ca: prod/ca.pem
            cert: prod/client.pem
            key: prod/client.key
            server_name: roles
          token: {command: [./print-token, --audience, rolecall]}
          timeout_seconds: 3.5
          accounts: {shop: "123456789012"}
          default_account: shop
      """;

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void write() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    file = Files.writeString(folder.resolve("config.yaml"), FILE);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
  }

  @Test
  void theCurrentContextIsUsed() {
    ConnectionSettings settings = Contexts.settingsFromEnv(env());

    assertEquals("127.0.0.1:50051", settings.address());
    assertEquals("unix:///run/rolecall/agent.sock", settings.agent());
    assertNull(settings.tls());
    assertEquals(Duration.ofSeconds(10), settings.timeout());
  }

  @Test
  void aContextHasAllOfItsSettings() {
    ConnectionSettings settings = Contexts.settingsOf("prod", env("ROLECALL_ADDRESS", "other"));

    assertEquals("roles.prod.internal:50051", settings.address());
    assertEquals(folder.resolve("prod/ca.pem"), settings.tls().ca());
    assertEquals(folder.resolve("prod/client.key"), settings.tls().key());
    assertEquals("roles", settings.tls().serverName());
    assertInstanceOf(CommandToken.class, settings.token());
    assertEquals(Duration.ofMillis(3_500), settings.timeout());
  }

  @Test
  void variablesCountMoreThanTheContextThatAVariableNames() {
    ConnectionSettings settings =
        Contexts.settingsFromEnv(
            env(
                "ROLECALL_CONTEXT", "prod",
                "ROLECALL_ADDRESS", "localhost",
                "ROLECALL_TIMEOUT", "2",
                "ROLECALL_AGENT", "unix:/a.sock"));

    assertEquals("localhost:50051", settings.address());
    assertEquals("unix:/a.sock", settings.agent());
    assertEquals(folder.resolve("prod/ca.pem"), settings.tls().ca());
    assertEquals(Duration.ofSeconds(2), settings.timeout());
  }

  @Test
  void theCurrentContextIsForItsOwnServer() {
    ConnectionSettings settings = Contexts.settingsFromEnv(env("ROLECALL_ADDRESS", "localhost"));

    assertNull(settings.agent());
  }

  @Test
  void theCertificateOfAServerIsNotThatOfAClient() {
    Map<String, String> server =
        env("ROLECALL_ADDRESS", "a", "ROLECALL_TLS_CERT", "/c", "ROLECALL_TLS_KEY", "/k");
    assertNull(Contexts.settingsFromEnv(server).tls());

    server.put("ROLECALL_TLS_CA", "/ca");
    server.put("ROLECALL_TOKEN_FILE", "/token");

    ConnectionSettings settings = Contexts.settingsFromEnv(server);
    assertEquals(Path.of("/c"), settings.tls().cert());
    assertInstanceOf(FileToken.class, settings.token());
  }

  @Test
  void withoutAFileThereAreDefaults() {
    Map<String, String> env = Map.of("XDG_CONFIG_HOME", folder.resolve("none").toString());

    ConnectionSettings settings = Contexts.settingsFromEnv(env);

    assertEquals("127.0.0.1:50051", settings.address());
    var error = assertThrows(ContextsException.class, () -> Contexts.settingsOf("prod", env));
    assertTrue(error.getMessage().contains("this file does not exist"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ROLECALL_ADDRESS|http://a|ROLECALL_ADDRESS: an address has no scheme",
        "ROLECALL_AGENT|a:1|ROLECALL_AGENT: the agent is on this node",
        "ROLECALL_TIMEOUT|0|write a number of seconds up to 86,400",
        "ROLECALL_TIMEOUT|3d|write a number of seconds up to 86,400",
        "ROLECALL_TIMEOUT|NaN|write a number of seconds up to 86,400",
        "ROLECALL_CONTEXT|prods|did you mean `prod`?",
        "ROLECALL_CONFIG|/nowhere/config.yaml|it does not exist",
      })
  void aVariableThatCannotBeUsedIsNamed(String name, String value, String message) {
    Map<String, String> env = env(name, value);

    var error = assertThrows(IllegalArgumentException.class, () -> Contexts.settingsFromEnv(env));

    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void allMistakesAreReportedAtOnceWithTheirPlaces() throws IOException {
    Files.writeString(
        file,
        """
        contexts:
          a b: {address: "http://x"}
          c:
            adress: x
            timeout_seconds: "3"
            token: {file: a, command: [b]}
            tls: {ca: a, cert: b}
            default_account: none
        """);

    var error = assertThrows(ContextsException.class, () -> Contexts.settingsFromEnv(env()));

    assertEquals(8, error.problems().size(), error.getMessage());
    assertTrue(error.getMessage().contains(file + ":2:3: `a b` is not the name of a context"));
    assertTrue(
        error
            .getMessage()
            .contains(":4:5: `adress` is not a field of `c`; did you mean `address`?"));
    assertTrue(error.getMessage().contains("`key` is missing in `tls`"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'contexts: {a: {address: x}, a: {address: y}}'|is given twice; the first is in line 1",
        "'contexts: &x {a: {address: x}}'|anchors and aliases are not supported",
        "'contexts: !!map {a: {address: x}}'|is not supported",
        "'contexts: [[[[[[[[[[1]]]]]]]]]]'|nested deeper than 8 levels",
        "'contexts: {'|not YAML",
        "''|the file is empty",
        "'a: 1\n---\nb: 2'|the file has several documents",
        "'contexts: {a: {address: null}}'|must be text, not nothing",
        "'contexts: {a: {address: x, agent: \"b:1\"}}'|the agent is on this node",
      })
  void whatIsAmbiguousIsRefused(String text, String message) throws IOException {
    Files.writeString(file, text);

    var error = assertThrows(ContextsException.class, () -> Contexts.settingsFromEnv(env()));

    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void aFileThatOthersCanChangeIsRefused() throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw----"));
    assertRefused("other users can write the file");

    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwx---"));
    assertRefused("other users can write the folder");
  }

  @Test
  void aFileThatIsTooLongOrNoTextIsRefused() throws IOException {
    Files.write(file, new byte[300 * 1024]);
    assertRefused("the file is longer than 262,144 bytes");

    Files.write(file, new byte[] {(byte) 0xff});
    assertRefused("the file is not UTF-8 text");

    Files.delete(file);
    Files.createDirectory(file);
    assertRefused("this is not a regular file");
  }

  private void assertRefused(String message) {
    var error = assertThrows(ContextsException.class, () -> Contexts.settingsFromEnv(env()));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  private Map<String, String> env(String... more) {
    Map<String, String> env = new HashMap<>(Map.of("ROLECALL_CONFIG", file.toString()));
    for (int i = 0; i < more.length; i += 2) {
      env.put(more[i], more[i + 1]);
    }
    return env;
  }
}
