package com.rolecall.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rolecall.v1.AssumeRoleQuery;
import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TokensTest {
  private static final AssumeRoleQuery QUERY = Query.of("1@a", "allowed");
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  @TempDir Path folder;
  private final AtomicLong clock = new AtomicLong();

  @Test
  void aFileIsReadAgainWhenItHasChanged() throws Exception {
    Path file = Files.writeString(folder.resolve("token"), "first\n");
    FileToken token = new FileToken(file, clock::get);
    assertEquals("first", token.token());
    Files.writeString(file, "second!");

    assertEquals("first", token.token());
    pass(1);
    assertEquals("second!", token.token());
  }

  @Test
  void aFileThatCannotBeReadKeepsItsTokenForAWhile() throws Exception {
    Path file = Files.writeString(folder.resolve("token"), "first");
    FileToken token = new FileToken(file, clock::get);
    token.token();
    Files.delete(file);

    pass(9);
    assertEquals("first", token.token());
    pass(2);
    assertThrows(TokenException.class, token::token);
  }

  @Test
  void aRefusedTokenIsLookedForAtOnce() throws Exception {
    Path file = Files.writeString(folder.resolve("token"), "first");
    FileToken token = new FileToken(file, clock::get);
    token.token();
    Files.writeString(file, "second!");

    token.refused();

    assertEquals("second!", token.token());
  }

  @Test
  void whatIsNoTokenIsNotShown() throws Exception {
    Path file = Files.writeString(folder.resolve("token"), "two words");

    var error = assertThrows(TokenException.class, new FileToken(file)::token);

    assertFalse(error.getMessage().contains("two"));
    assertEquals("NO_TOKEN", error.reason());
  }

  @Test
  void aCommandIsStartedAgainBeforeItsTokenExpires() throws Exception {
    CommandToken token = command("echo x >> count; wc -l < count | tr -d ' '");

    assertEquals("1", token.token());
    assertEquals("1", token.token());
    pass(61);
    assertEquals("2", token.token());
    token.refused();
    pass(1);
    assertEquals("3", token.token());
  }

  @Test
  void aTokenSaysWhenItExpires() {
    assertEquals(1_700_000_000.0, TokenExpiry.of(jwt("{\"exp\": 1700000000, \"n\": [1]}")));
    assertNull(TokenExpiry.of(jwt("{\"exp\": true}")));
    assertNull(TokenExpiry.of(jwt("[]")));
    assertNull(TokenExpiry.of("a.%%%.c"));
    assertNull(TokenExpiry.of("opaque"));
  }

  @Test
  void aCommandThatFailsIsNotStartedAgainAtOnce() {
    CommandToken token = command("echo x >> count; exit 3");

    var error = assertThrows(TokenException.class, token::token);
    assertThrows(TokenException.class, token::token);

    assertTrue(error.getMessage().endsWith("failed with exit code 3"));
    assertEquals(2, folder.resolve("count").toFile().length());
  }

  @Test
  void aCommandThatTakesTooLongIsEndedWithAllThatItStarted() throws Exception {
    CommandToken token =
        new CommandToken(
            List.of("sh", "-c", "sleep 60 & echo $! > " + folder.resolve("pid") + "; wait"),
            Duration.ofMillis(500),
            clock::get);

    var error = assertThrows(TokenException.class, token::token);

    assertTrue(error.getMessage().endsWith("has not ended within 0.5 seconds"));
    long pid = Long.parseLong(Files.readString(folder.resolve("pid")).strip());
    assertTrue(Threads.eventually(() -> ProcessHandle.of(pid).map(p -> !p.isAlive()).orElse(true)));
  }

  @Test
  void aCommandThatPrintsTooMuchOrIsMissingIsAnError() {
    assertThrows(TokenException.class, command("head -c 20000 /dev/zero")::token);
    var missing = new CommandToken(List.of(folder.resolve("missing").toString()));
    assertThrows(TokenException.class, missing::token);
    assertThrows(IllegalArgumentException.class, () -> new CommandToken(List.of()));
  }

  @Test
  void aFunctionGivesTheTokenOfEachCall() {
    AtomicLong number = new AtomicLong();
    try (FakeService service = FakeService.start();
        RolecallClient client =
            RolecallClient.builder(service.address())
                .token(() -> "token-" + number.incrementAndGet())
                .build()) {
      client.check(QUERY);
      client.check(QUERY);

      assertEquals("Bearer token-2", service.headers.get(1).get(AUTHORIZATION));
    }
  }

  @Test
  void withoutATokenACallFailsAndDoesNotReachTheService() {
    try (FakeService service = FakeService.start();
        RolecallClient client =
            RolecallClient.builder(service.address())
                .token(new FileToken(folder.resolve("missing")))
                .build()) {
      var error = assertThrows(TokenException.class, () -> client.check(QUERY));

      assertEquals(Status.Code.UNAUTHENTICATED, error.code());
      assertEquals(0, service.calls.get());
    }
  }

  @Test
  void aSlowCommandDoesNotOutliveTheTimeLimitOfACall() {
    try (FakeService service = FakeService.start();
        RolecallClient client =
            RolecallClient.builder(service.address())
                .token(new CommandToken(List.of("sleep", "5")))
                .timeout(Duration.ofMillis(200))
                .build()) {
      assertThrows(DeadlineExceededException.class, () -> client.check(QUERY));
    }
  }

  private CommandToken command(String script) {
    List<String> words = List.of("sh", "-c", "cd " + folder + "; " + script);
    return new CommandToken(words, Duration.ofSeconds(10), clock::get);
  }

  private void pass(long seconds) {
    clock.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  private static String jwt(String claims) {
    byte[] text = claims.getBytes(StandardCharsets.UTF_8);
    return "a." + Base64.getUrlEncoder().withoutPadding().encodeToString(text) + ".c";
  }
}
