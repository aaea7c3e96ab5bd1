package com.rolecall.client;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A private key in PEM form: PKCS 8, or the older forms of RSA and of elliptic curves, which Java
 * does not read by itself.
 */
final class PemKey {
  private static final Pattern PEM =
      Pattern.compile(
          "-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");
  private static final byte[] RSA = hex("300d06092a864886f70d0101010500");
  private static final byte[] EC = hex("06072a8648ce3d0201");
  private static final int SEQUENCE = 0x30;
  private static final int INTEGER = 0x02;
  private static final int OCTETS = 0x04;
  private static final int PARAMETERS = 0xa0;

  private PemKey() {}

  /** Returns the key; throws {@link IllegalArgumentException} if the text has none. */
  static PrivateKey read(byte[] text) {
    Matcher match = PEM.matcher(new String(text, StandardCharsets.ISO_8859_1));
    if (!match.find()) {
      throw new IllegalArgumentException("no private key in PEM form without a password");
    }
    byte[] der = Base64.getMimeDecoder().decode(match.group(2));
    byte[] pkcs8 =
        switch (match.group(1)) {
          case "RSA PRIVATE KEY" -> wrapped(RSA, der);
          case "EC PRIVATE KEY" -> ofEc(der);
          default -> der;
        };
    for (String algorithm : List.of("RSA", "EC", "Ed25519")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (GeneralSecurityException error) {
        // It is a key of another algorithm.
        continue;
      }
    }
    throw new IllegalArgumentException("the private key is not one of RSA, EC or Ed25519");
  }

  /** Returns a key in the form that gRPC reads. */
  static byte[] toPem(PrivateKey key) {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded());
    return ("-----BEGIN PRIVATE KEY-----\n" + text + "\n-----END PRIVATE KEY-----\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] wrapped(byte[] algorithm, byte[] key) {
    return element(SEQUENCE, new byte[] {INTEGER, 1, 0}, algorithm, element(OCTETS, key));
  }

  /** ECPrivateKey = SEQUENCE {version, privateKey, [0] curve, [1] publicKey} */
  private static byte[] ofEc(byte[] der) {
    try {
      int version = contentAt(der, 0);
      int key = contentAt(der, version) + lengthAt(der, version);
      int curve = contentAt(der, key) + lengthAt(der, key);
      if ((der[curve] & 0xff) == PARAMETERS) {
        byte[] algorithm = element(SEQUENCE, EC, contentOf(der, curve));
        byte[] version1 = {INTEGER, 1, 1};
        // Java reads the rest of the older form no more.
        byte[] bare = element(SEQUENCE, version1, element(OCTETS, contentOf(der, key)));
        return wrapped(algorithm, bare);
      }
    } catch (IndexOutOfBoundsException error) {
      throw new IllegalArgumentException("the EC private key is cut", error);
    }
    throw new IllegalArgumentException("the EC private key does not name its curve");
  }

  private static byte[] contentOf(byte[] der, int at) {
    int start = contentAt(der, at);
    if (start + lengthAt(der, at) > der.length) {
      throw new IndexOutOfBoundsException();
    }
    return Arrays.copyOfRange(der, start, start + lengthAt(der, at));
  }

  private static int contentAt(byte[] der, int at) {
    return at + ((der[at + 1] & 0x80) == 0 ? 2 : 2 + (der[at + 1] & 0x7f));
  }

  private static int lengthAt(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    if (first < 0x80) {
      return first;
    }
    int length = 0;
    for (int i = 0; i < (first & 0x7f); i++) {
      length = length << 8 | der[at + 2 + i] & 0xff;
    }
    return length;
  }

  private static byte[] element(int tag, byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    ByteArrayOutputStream element = new ByteArrayOutputStream();
    element.write(tag);
    int length = content.size();
    if (length >= 0x80) {
      element.write(0x82);
      element.write(length >> 8);
    }
    element.write(length);
    element.writeBytes(content.toByteArray());
    return element.toByteArray();
  }

  private static byte[] hex(String text) {
    return java.util.HexFormat.of().parseHex(text);
  }
}
