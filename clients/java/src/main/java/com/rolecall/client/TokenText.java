package com.rolecall.client;

import java.nio.charset.StandardCharsets;

/** Reads a token from what a file or a command gives. */
final class TokenText {
  static final int MAX_BYTES = 16 * 1024;

  private TokenText() {}

  /** Returns the token; throws {@link TokenException} if the content is none. */
  static String of(byte[] content, String name) {
    // A message shows nothing of the content: it may be another secret.
    if (content.length > MAX_BYTES) {
      throw new TokenException(
          name + " gives more than " + MAX_BYTES + " bytes, which is no token");
    }
    String token = new String(content, StandardCharsets.ISO_8859_1).strip();
    if (!isToken(token)) {
      throw new TokenException(name + " gives no token: one word of printable ASCII");
    }
    return token;
  }

  /** Returns whether a text can be sent in metadata. */
  static boolean isToken(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> 33 <= c && c <= 126);
  }
}
