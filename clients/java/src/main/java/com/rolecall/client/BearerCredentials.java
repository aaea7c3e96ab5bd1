package com.rolecall.client;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.Executor;

/** Sends the token with each call, as {@code authorization: Bearer TOKEN}. */
final class BearerCredentials extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final TokenSource source;
  private final Executor slow;

  BearerCredentials(TokenSource source, Executor slow) {
    this.source = source;
    this.slow = slow;
  }

  void refused() {
    source.refused();
  }

  @Override
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    try {
      String token = source instanceof RenewedToken renewed ? renewed.ready() : null;
      if (token != null) {
        apply(token, applier);
      } else {
        // The executor of a blocking call is its own thread, which must see its deadline.
        slow.execute(() -> applyLater(applier));
      }
    } catch (RuntimeException error) {
      fail(error, applier);
    }
  }

  private void applyLater(MetadataApplier applier) {
    try {
      apply(source.token(), applier);
    } catch (RuntimeException error) {
      fail(error, applier);
    }
  }

  private static void apply(String token, MetadataApplier applier) {
    // gRPC would refuse it with a message that shows it.
    if (token == null || !TokenText.isToken(token)) {
      throw new TokenException("the token of the client is not one word of printable ASCII");
    }
    Metadata headers = new Metadata();
    headers.put(AUTHORIZATION, "Bearer " + token);
    applier.apply(headers);
  }

  private static void fail(RuntimeException error, MetadataApplier applier) {
    TokenException noToken =
        error instanceof TokenException known
            ? known
            : new TokenException(
                "the source of tokens failed: " + error.getClass().getName(), error);
    applier.fail(Status.UNAUTHENTICATED.withDescription(noToken.getMessage()).withCause(noToken));
  }

  /** A token that is always the same. */
  record Fixed(String token) implements RenewedToken {
    @Override
    public String ready() {
      return token;
    }

    @Override
    public String toString() {
      return "Fixed[...]";
    }
  }
}
