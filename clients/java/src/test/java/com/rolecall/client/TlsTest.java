package com.rolecall.client;

import static com.rolecall.client.Certificates.dns;
import static com.rolecall.client.Certificates.uri;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rolecall.v1.AssumeRoleQuery;
import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TlsTest {
  private static final AssumeRoleQuery QUERY = Query.of("1@a", "allowed");

  @TempDir Path folder;
  private Certificates certificates;

  @BeforeEach
  void issue() {
    certificates = new Certificates(folder);
    certificates.issue("server", dns("localhost"));
    certificates.issue("client", uri("spiffe://td/first"));
  }

  @Test
  void aClientConnectsWithItsCertificate() throws Exception {
    try (FakeService service = FakeService.start(serverCredentials());
        RolecallClient client =
            RolecallClient.builder(service.address().replace("127.0.0.1", "localhost"))
                .tls(certificates.client("client"))
                .token("secret")
                .build()) {
      assertTrue(client.check(QUERY).getDecision().getAllowed());
    }
  }

  @Test
  void theNameInTheCertificateMayBeGiven() throws Exception {
    try (FakeService service = FakeService.start(serverCredentials());
        RolecallClient client =
            RolecallClient.builder(service.address())
                .tls(certificates.client("client").withServerName("localhost"))
                .build();
        RolecallClient other =
            RolecallClient.builder(service.address())
                .tls(certificates.client("client").withServerName("other"))
                .build()) {
      assertTrue(client.check(QUERY).getDecision().getAllowed());
      assertThrows(UnavailableException.class, () -> other.check(QUERY));
    }
  }

  @Test
  void aTokenIsNotSentInPlainTextToAnotherMachine() {
    var builder = RolecallClient.builder("rolecall.example").token("secret");

    var error = assertThrows(IllegalArgumentException.class, builder::build);
    assertFalse(error.getMessage().contains("secret"));
  }

  @Test
  void filesThatHaveChangedReplaceTheChannelAndNoCallIsLost() throws Exception {
    try (FakeService service = FakeService.start(serverCredentials());
        RolecallClient client =
            RolecallClient.builder(service.address())
                .tls(certificates.client("client").withServerName("localhost"))
                .build();
        CheckStream answers = client.streamCheck(endless(), 2)) {
      answers.next();
      certificates.issue("client", uri("spiffe://td/second"));

      // Only a stream that is opened again is another call on the server.
      assertTrue(
          Threads.eventually(
              () -> {
                client.check(QUERY);
                answers.next();
                return service.streams.get() > 1;
              }));
    }
  }

  @Test
  void filesAreLookedAtOnceASecondAndUsedOnlyIfTheyFit() throws Exception {
    AtomicLong clock = new AtomicLong();
    ReloadingTls tls = new ReloadingTls(certificates.client("client"), clock::get);
    certificates.issue("other");
    Files.copy(folder.resolve("other.pem"), replaced("client.pem"));
    assertNull(tls.changed());

    clock.addAndGet(TimeUnit.SECONDS.toNanos(2));
    assertNull(tls.changed());

    Files.copy(folder.resolve("other.key"), replaced("client.key"));
    clock.addAndGet(TimeUnit.SECONDS.toNanos(2));
    assertNotNull(tls.changed());
  }

  @Test
  void everyFormOfAKeyIsRead() throws Exception {
    byte[] older = Files.readAllBytes(folder.resolve("client.key"));
    byte[] pkcs8 = Files.readAllBytes(folder.resolve("client.pkcs8"));

    assertTrue(new String(older).contains("BEGIN EC PRIVATE KEY"));
    assertEquals(PemKey.read(pkcs8), PemKey.read(older));
  }

  @Test
  void filesThatAreNotValidAreRefusedWithTheirNames() throws Exception {
    certificates.issue("other");
    Path none = Files.writeString(folder.resolve("none.pem"), "nothing");

    assertRefused(TlsFiles.of(none), "none.pem` has no certificates in PEM form");
    assertRefused(TlsFiles.of(folder.resolve("missing.pem")), "it does not exist");
    assertRefused(
        TlsFiles.of(folder.resolve("ca.pem"))
            .withClient(folder.resolve("client.pem"), folder.resolve("other.key")),
        "are not a certificate and its key in PEM form");
    assertThrows(
        IllegalArgumentException.class,
        () -> new TlsFiles(folder.resolve("ca.pem"), folder.resolve("client.pem"), null, null));
  }

  private static void assertRefused(TlsFiles files, String message) {
    var builder = RolecallClient.builder("localhost").tls(files);
    var error = assertThrows(IllegalArgumentException.class, builder::build);
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  private Path replaced(String name) throws IOException {
    Files.delete(folder.resolve(name));
    return folder.resolve(name);
  }

  private ServerCredentials serverCredentials() throws IOException {
    return TlsServerCredentials.newBuilder()
        .keyManager(folder.resolve("server.pem").toFile(), folder.resolve("server.pkcs8").toFile())
        .trustManager(folder.resolve("ca.pem").toFile())
        .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
        .build();
  }

  private static Iterator<AssumeRoleQuery> endless() {
    return java.util.stream.Stream.generate(() -> QUERY).iterator();
  }
}
