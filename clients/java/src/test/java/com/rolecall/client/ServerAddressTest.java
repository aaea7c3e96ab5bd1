package com.rolecall.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerAddressTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "rolecall:7 rolecall:7",
        "rolecall rolecall:50051",
        "rolecall.example.com rolecall.example.com:50051",
        "10.0.0.1 10.0.0.1:50051",
        "[::1] [::1]:50051",
        "[::1]:7 [::1]:7",
        "::1 [::1]:50051",
        "fe80::1%eth0 [fe80::1%eth0]:50051",
        "dns:///rolecall:7 dns:///rolecall:7",
        "dns:///rolecall dns:///rolecall:50051",
        "dns:rolecall dns:rolecall:50051",
        "dns://10.0.0.53/rolecall dns://10.0.0.53/rolecall:50051",
        "unix:/run/rolecall.sock unix:/run/rolecall.sock",
        "ipv4:10.0.0.1:1,10.0.0.2:1 ipv4:10.0.0.1:1,10.0.0.2:1",
        "dns dns:///dns:50051",
        "unix dns:///unix:50051",
        "IPv6 dns:///IPv6:50051",
        "xds:7 dns:///xds:7",
        "dns.example:7 dns.example:7",
      })
  void anAddressMayLackItsPort(String address, String target) {
    assertEquals(target, ServerAddress.target(address));
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "https", "grpc", "grpcs", "HTTP", "tcp"})
  void aSchemeIsRefusedWithWhatToWrite(String scheme) {
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> ServerAddress.target(scheme + "://rolecall:7/path"));

    assertTrue(error.getMessage().contains("no scheme `" + scheme + "://`; write `rolecall:7`"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a b:1", "user@a:1", "a?b", ":7", "[::1"})
  void whatIsNoAddressIsRefused(String address) {
    var error = assertThrows(IllegalArgumentException.class, () -> ServerAddress.target(address));

    assertTrue(error.getMessage().contains("is not an address; write HOST:PORT"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "65536", "x", "1/x", "1:2", "-1", "\u0663"})
  void aPortIsANumberInItsRange(String port) {
    var error =
        assertThrows(IllegalArgumentException.class, () -> ServerAddress.target("a:" + port));

    assertTrue(error.getMessage().endsWith("is not a number from 1 to 65535"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1:1", "rolecall", "unix:", "unix-abstract:x", "http://a"})
  void anAgentIsOnAUnixSocket(String address) {
    assertThrows(IllegalArgumentException.class, () -> ServerAddress.agent(address));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "unix:/run/a.sock /run/a.sock",
        "unix:///run/a.sock /run/a.sock",
        "unix:a.sock a.sock"
      })
  void theSocketOfAnAgentIsAPath(String address, String path) {
    assertEquals(path, ServerAddress.unixPath(ServerAddress.agent(address)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"dns://10.0.0.53/rolecall", "unix-abstract:x", "ipv4:10.0.0.1"})
  void whatJavaCannotReachIsRefusedWhenTheClientIsMade(String address) {
    var builder = RolecallClient.builder(address);

    assertThrows(IllegalArgumentException.class, builder::build);
  }

  @Test
  void everyOtherTargetIsOneOfGrpc() {
    for (String address :
        new String[] {
          "rolecall",
          "[::1]:7",
          "::1",
          "dns:rolecall",
          "dns:///rolecall:7",
          "unix:/a",
          "ipv4:10.0.0.1:1,10.0.0.2:1",
          "ipv6:[::1]:1"
        }) {
      try (RolecallClient client = RolecallClient.builder(address).build()) {
        assertTrue(client != null, address);
      }
    }
  }
}
