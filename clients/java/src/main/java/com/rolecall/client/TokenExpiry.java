package com.rolecall.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Reads when a JSON Web Token expires. Nothing is verified. */
final class TokenExpiry {
  private static final double LATEST = 1e15;

  private TokenExpiry() {}

  /** Returns the seconds of Unix time; null if the token does not say so. */
  static Double of(String token) {
    String[] parts = token.split("\\.", -1);
    if (parts.length != 3) {
      return null;
    }
    try {
      byte[] text = Base64.getUrlDecoder().decode(parts[1]);
      Struct.Builder claims = Struct.newBuilder();
      JsonFormat.parser().merge(new String(text, StandardCharsets.UTF_8), claims);
      Value expires = claims.getFieldsOrDefault("exp", Value.getDefaultInstance());
      return expires.hasNumberValue() && Math.abs(expires.getNumberValue()) < LATEST
          ? expires.getNumberValue()
          : null;
    } catch (InvalidProtocolBufferException | IllegalArgumentException error) {
      return null;
    }
  }
}
